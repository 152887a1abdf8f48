import { type Stats, statSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import { remoteCommand } from '../ssh/quote.ts';
import { startSsh } from '../ssh/run-ssh.ts';
import type { SshSession } from '../ssh/session.ts';
import { asDirectoryOwner } from './as-directory-owner.ts';
import { type Extracted, extract } from './extract.ts';

/** Where what is copied goes, with the rules of `docker cp`. */
export interface OutPlan {
  /** Existing directory to extract in. */
  readonly root: string;
  /** New first part of the path; undefined: the content of the source goes right into root. */
  readonly name: string | undefined;
  /** root/name is an existing file, so that the source must be one. */
  readonly overFile: boolean;
}

/** An existing directory takes the source in; else the target is the source's new name. `dir/.` means its content. */
export function planOut(source: string, target: string, find: (path: string) => Stats | undefined = statOf): OutPlan {
  const found = find(target);
  const content = isContent(source);
  const name = posix.basename(posix.resolve('/', source));
  if (found?.isDirectory() === true) {
    return { root: resolve(target), name: content || name === '' ? undefined : name, overFile: false };
  }
  const parent = dirname(resolve(target));
  const missing = (path: string) =>
    new VmmError('invalid_input', `There is no directory ${path}.`, { hint: `Make it: mkdir -p ${path}` });
  if (target.endsWith('/')) throw missing(target);
  if (find(parent)?.isDirectory() !== true) throw missing(parent);
  return { root: parent, name: basename(resolve(target)), overFile: found !== undefined };
}

function isContent(source: string): boolean {
  return source === '.' || source.endsWith('/.');
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Copies a file or a tree out of the guest. Errors: those of ssh and of extract, command_failed when tar fails there. */
export async function copyOut(
  cli: Cli,
  session: SshSession,
  source: string,
  target: string,
  onBytes: (bytes: number) => void,
): Promise<Extracted> {
  const plan = planOut(source, target);
  const { directory, base } = splitSource(source);
  const args = ['tar', '-C', directory, '-cf', '-', '--', base];
  const ssh = startSsh(cli, session, { tty: 'none', rest: ['--', remoteCommand({ args })] }, [
    'ignore',
    'pipe',
    'pipe',
  ]);
  const { stdout, stderr } = ssh.child;
  if (stdout === null || stderr === null) throw new VmmError('internal', 'ssh was started without pipes.');
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096);
  });
  const exitCode = ssh.exitCode;
  // Awaited below, after the extraction.
  exitCode.catch(() => undefined);
  try {
    const extracted = await asDirectoryOwner(plan.root, async () =>
      extract(stdout, {
        root: plan.root,
        signal: cli.signal,
        onBytes,
        place: (parts) => placeOut(parts, base, plan.name),
        check: ({ path, isDirectory }) => {
          if (plan.overFile && isDirectory && path === plan.name) {
            throw new VmmError('invalid_input', `${join(plan.root, path)} is a file, and the source a directory.`, {
              hint: 'Name a directory, or a path that does not exist yet.',
            });
          }
        },
      }),
    );
    const code = await exitCode;
    if (code !== 0) throw tarFailed(session.name, source, said);
    return extracted;
  } catch (error) {
    ssh.child.kill('SIGTERM');
    // When ssh or the guest's tar failed, that is the reason, and a broken archive only its consequence.
    const code = error instanceof VmmError && error.code === 'storage_failed' ? await exitCode : 0;
    throw code === 0 || code > 128 ? error : tarFailed(session.name, source, said);
  }
}

/** What the guest's tar is to pack, and from where. */
export function splitSource(source: string): { readonly directory: string; readonly base: string } {
  if (isContent(source)) return { directory: source, base: '.' };
  const trimmed = source.length > 1 ? source.replace(/\/+$/, '') || '/' : source;
  const base = posix.basename(trimmed);
  if (trimmed === '/' || base === '..') return { directory: trimmed, base: '.' };
  return { directory: posix.dirname(trimmed), base };
}

/** The archive must begin with what was asked for; that part gives way to the new name. */
export function placeOut(
  parts: readonly string[],
  base: string,
  name: string | undefined,
): readonly string[] | undefined {
  const rest = base === '.' ? parts : parts[0] === base ? parts.slice(1) : undefined;
  if (rest === undefined) return undefined;
  return name === undefined ? rest : [name, ...rest];
}

function tarFailed(vm: string, source: string, said: string): VmmError {
  return new VmmError('command_failed', `${source} could not be read in ${vm}.`, {
    detail: said,
    hint: `Look there: vmm exec ${vm} -- ls -ld ${source}`,
  });
}
