/**
 * Bundles the sources to dist/: cli.js with one chunk for each command, so that a command loads its own code alone, and
 * daemon.js. Everything of npm is bundled: an installation is bin, dist and guest, without node_modules.
 */
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Built aside and swapped in whole: a command that runs meanwhile finds either the old or the new. */
const fresh = join(root, 'dist.new');
const old = join(root, 'dist.old');

// Our own file.
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };

const builtinRequire = `const require = (id) => {
  const builtin = process.getBuiltinModule(id);
  if (builtin === undefined) throw new Error('Cannot find module ' + id);
  return builtin;
};`;

const common: BuildOptions = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24.12',
  outdir: fresh,
  define: { VMM_VERSION: JSON.stringify(version) },
  // CommonJS packages still ask for Node's own modules by require. Node's createRequire would cost each chunk a
  // millisecond.
  banner: { js: builtinRequire },
  legalComments: 'linked',
  logLevel: 'warning',
};

await rm(fresh, { recursive: true, force: true });
const cli = await build({
  ...common,
  metafile: true,
  entryPoints: { cli: join(root, 'src/bin/vmm.ts') },
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  chunkNames: 'chunks/[name]-[hash]',
});
// What a command loads decides how quick it is; these belong to the daemon.
const heavy = Object.keys(cli.metafile.inputs).find((file) => /node_modules\/(zod|fastify|pino|execa)\//.test(file));
if (heavy !== undefined) throw new Error(`The command line may not load ${heavy}`);

// Not minified: its stack traces are read.
await build({ ...common, entryPoints: { daemon: join(root, 'src/bin/vmm-daemon.ts') } });

await rm(old, { recursive: true, force: true });
if (existsSync(dist)) await rename(dist, old);
await rename(fresh, dist);
await rm(old, { recursive: true, force: true });
