import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create, type WriteEntry } from 'tar';
import { VmmError } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import { remoteCommand } from '../ssh/quote.ts';
import { startSsh } from '../ssh/run-ssh.ts';
import type { SshSession } from '../ssh/session.ts';

/**
 * Runs in the guest, with $1 the target and $2 the first part of the archive's paths, or `.` for the content of a
 * directory. Rules as `docker cp`: an existing directory takes the source in, else the target is its new name, by way
 * of a directory of its own so that nothing half-copied is left under that name.
 */
const receiver = `
target=$1 base=$2
if [ -d "$target" ]; then cd "$target" && exec tar -xof -; fi
case $target in */) [ "$base" = . ] || { echo "there is no directory $target" >&2; exit 1; };; esac
if [ "$base" = . ]; then mkdir "$target" && cd "$target" && exec tar -xof -; fi
parent=$(dirname "$target")
work=$(mktemp -d "$parent/.vmm-cp.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
tar -xof - -C "$work" || exit 1
if [ -e "$target" ] && [ -d "$work/$base" ]; then echo "$target is a file, and the source a directory" >&2; exit 1; fi
mv -f "$work/$base" "$target"
`;

/** Copies a file or a tree into the guest; `bytes` counts the content of files. Errors: invalid_input, those of ssh, command_failed when tar fails there. */
export async function copyIn(
  cli: Cli,
  session: SshSession,
  source: string,
  target: string,
  onBytes: (bytes: number) => void,
): Promise<{ readonly bytes: number }> {
  const { directory, base } = splitLocal(source);
  const args = ['sh', '-c', receiver, 'vmm-cp', target, base];
  const ssh = startSsh(cli, session, { tty: 'none', rest: ['--', remoteCommand({ args })] }, ['pipe', 'pipe', 'pipe']);
  const { stdin, stdout, stderr } = ssh.child;
  if (stdin === null || stdout === null || stderr === null) {
    throw new VmmError('internal', 'ssh was started without pipes.');
  }
  let said = '';
  stdout.resume();
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096);
  });
  let sentBytes = 0;
  // `./` before the name: tar takes a leading @ for the name of an archive.
  let bytes = 0;
  const onWriteEntry = ({ stat }: WriteEntry) => {
    if (stat?.isFile() === true) bytes += stat.size;
  };
  const archive = create({ cwd: directory, noPax: false, portable: false, onWriteEntry }, [`./${base}`]);
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      sentBytes += chunk.length;
      onBytes(sentBytes);
      yield chunk;
    }
  };
  const sent = pipeline(archive, counted, stdin, { signal: cli.signal }).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const [failure, code] = await Promise.all([sent, ssh.exitCode]);
  cli.signal.throwIfAborted();
  if (code !== 0) {
    throw new VmmError('command_failed', `${target} could not be written in ${session.name}.`, {
      detail: said,
      hint: `Look there: vmm exec ${session.name} -- ls -ld ${target}`,
    });
  }
  if (failure !== undefined) {
    throw new VmmError('command_failed', `${source} could not be read.`, {
      hint: `Look at it: ls -l ${source}`,
      cause: failure.error,
    });
  }
  return { bytes };
}

/** Directory and name to pack. `dir/.` is the content of dir. Throws invalid_input when it does not exist. */
export function splitLocal(source: string): { readonly directory: string; readonly base: string } {
  const found = statSync(source, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new VmmError('invalid_input', `There is no file ${source}.`, { hint: `Look: ls -l ${dirname(source)}` });
  }
  const content = source === '.' || source.endsWith('/.') || source === '/' || basename(source) === '..';
  if (content) return { directory: resolve(source), base: '.' };
  const path = resolve(source);
  return { directory: dirname(path), base: basename(path) };
}
