/**
 * Checks the import table of docs/architecture.md with dependency-cruiser, and proves that the check works: it must have
 * seen every module of src, and must find a violation that is planted for it.
 */
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import type { ICruiseResult, IForbiddenRuleType } from 'dependency-cruiser';

/** Rooms of the house, longest path first where one is inside another, with what each may import beside itself. */
const rooms: readonly {
  readonly room: string;
  readonly may: readonly string[];
  readonly packages?: readonly string[];
}[] = [
  { room: 'contract', may: [], packages: ['zod'] },
  { room: 'domain', may: ['contract'] },
  { room: 'ports', may: ['contract', 'domain'] },
  { room: 'engine', may: ['contract', 'domain', 'ports'] },
  { room: 'adapters/[^/]+', may: ['contract', 'domain', 'ports'] },
  { room: 'fakes', may: ['contract', 'domain', 'ports'] },
  { room: 'client', may: ['contract'] },
  { room: 'cli', may: ['client', 'contract', 'domain'] },
  { room: 'daemon/http', may: ['contract', 'domain', 'engine', 'daemon/logger.ts'] },
  { room: 'bin', may: ['cli', 'contract', 'daemon'] },
];

/** Rooms in which the browser or the guest of a package has no place: node's own modules are forbidden there. */
const withoutNode = ['contract'];

function rules(): IForbiddenRuleType[] {
  const layers = rooms.map(({ room, may }): IForbiddenRuleType => {
    // `$1` is the room's own path, so that adapters may not import their siblings.
    const allowed = ['^$1/', ...may.map((other) => `^src/${other}${other.endsWith('.ts') ? '$' : '/'}`)];
    return {
      name: `layer-${room.replace('/[^/]+', '')}`,
      severity: 'error',
      comment: `${room} may import ${may.join(', ') || 'nothing'} beside itself`,
      from: { path: `^(src/${room})/`, pathNot: testFiles },
      to: { path: '^src/', pathNot: allowed },
    };
  });
  const packages = rooms.flatMap(({ room, packages: only }): IForbiddenRuleType[] =>
    only === undefined
      ? []
      : [
          {
            name: `packages-${room}`,
            severity: 'error',
            from: { path: `^src/${room}/`, pathNot: testFiles },
            to: { path: 'node_modules', pathNot: only.map((name) => `node_modules/${name}/`) },
          },
        ],
  );
  const node = withoutNode.map(
    (room): IForbiddenRuleType => ({
      name: `no-node-${room}`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: testFiles },
      to: { dependencyTypes: ['core'] },
    }),
  );
  const processes: IForbiddenRuleType = {
    name: 'processes',
    severity: 'error',
    comment: 'adapters/host alone starts programs of the host; cli starts ssh and client the daemon',
    from: { path: '^src/', pathNot: [testFiles, '^src/adapters/host/', '^src/cli/', '^src/client/'] },
    to: { path: '^(node:)?child_process$|node_modules/execa/' },
  };
  const daemon: IForbiddenRuleType = {
    name: 'layer-daemon',
    severity: 'error',
    comment: 'the daemon knows nothing of its callers',
    from: { path: '^src/daemon/', pathNot: testFiles },
    to: { path: '^src/(cli|web)/' },
  };
  const thin: IForbiddenRuleType = {
    name: 'thin-cli',
    severity: 'error',
    comment: 'the command line loads nothing of the daemon',
    from: { path: '^src/(bin/vmm[.]ts$|cli/|client/)', pathNot: testFiles },
    to: { path: '^src/daemon/|node_modules/(fastify|pino)/|node_modules/zod/' },
  };
  const circular: IForbiddenRuleType = {
    name: 'no-circular',
    severity: 'error',
    from: { path: '^src/' },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  };
  return [...layers, ...packages, ...node, processes, daemon, thin, circular];
}
const testFiles = '[.]test[.]ts$';

/** dependency-cruiser reads TypeScript with the compiler's old interface, which version 7 no longer has. */
function provideTypeScript6(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier.replace(/^typescript(?=$|\/package)/, '@typescript/typescript6'), context),
  });
}

async function cruiseTree(directory: string): Promise<ICruiseResult> {
  const { cruise } = await import('dependency-cruiser');
  const result = await cruise(
    ['src'],
    {
      baseDir: directory,
      ruleSet: { forbidden: rules() },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      // Type imports count: a layer that needs another's types knows it.
      tsPreCompilationDeps: true,
      enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], conditionNames: ['node', 'import'] },
    },
    {},
  );
  if (typeof result.output === 'string') throw new Error('dependency-cruiser gave text where a result was asked for');
  return result.output;
}

function describe({ from, to, rule }: ICruiseResult['summary']['violations'][number]): string {
  const comment = rules().find(({ name }) => name === rule.name)?.comment;
  return `${from} -> ${to}  (${rule.name}${comment === undefined ? '' : `: ${comment}`})`;
}

/** A tree of its own in which each rule that must bite is broken once; returns what went unseen. */
async function plantViolations(): Promise<string[]> {
  const tree = join(import.meta.dirname, '..', '.cache', `layers-${process.pid}`);
  const planted: readonly (readonly [file: string, text: string])[] = [
    ['src/domain/plan.ts', "import { start } from '../engine/start.ts';\nexport const plan = start;\n"],
    [
      'src/engine/start.ts',
      "import type { Tap } from '../adapters/network/tap.ts';\nexport const start = (tap: Tap) => tap;\n",
    ],
    ['src/adapters/network/tap.ts', "export type { Disk as Tap } from '../storage/disk.ts';\n"],
    ['src/adapters/storage/disk.ts', "import { spawn } from 'node:child_process';\nexport type Disk = typeof spawn;\n"],
    ['src/contract/vm.ts', "export const read = () => import('node:fs');\n"],
  ];
  try {
    for (const [file, text] of planted) {
      mkdirSync(join(tree, file, '..'), { recursive: true });
      writeFileSync(join(tree, file), text);
    }
    const { summary } = await cruiseTree(tree);
    const seen = new Set(summary.violations.map(({ from }) => from));
    return planted.map(([file]) => file).filter((file) => !seen.has(file));
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

provideTypeScript6();
const checkout = join(import.meta.dirname, '..');
const unseen = await plantViolations();
const { modules, summary } = await cruiseTree(checkout);
const cruised = new Set(modules.map(({ source }) => source));
const missed = globSync('src/**/*.ts', { cwd: checkout }).filter((file) => !cruised.has(file));
const problems = [
  ...unseen.map((file) => `the planted violation of ${file} was not found: the check is blind`),
  ...missed.map((file) => `${file} was not cruised`),
  ...summary.violations.filter(({ rule }) => rule.severity === 'error').map(describe),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${cruised.size} modules, ${summary.totalDependenciesCruised ?? 0} imports, no violation`);
