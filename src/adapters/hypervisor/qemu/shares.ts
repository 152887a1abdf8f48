import { access, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VmmError } from '../../../contract/errors.ts';
import type { CommandRunner, ProcessIdentity } from '../../../ports/command-runner.ts';
import type { Share } from '../../../ports/hypervisor.ts';
import type { QemuDeps } from './deps.ts';
import { fileTail } from './file-tail.ts';
import { runtimeFiles } from './runtime-files.ts';

/** Ubuntu 24.04 has the Rust one in /usr/libexec (package virtiofsd), Debian 12 the C one of qemu-system-common. */
const programs = ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'];
const readyTimeoutMs = 10_000;
/** The anchor of a namespace is needed for a moment; it goes by itself should we be killed in that moment. */
const anchorSeconds = '60';

export interface FileServer {
  readonly program: string;
  readonly flavour: 'rust' | 'c';
}

export async function hasFileServer(runner: CommandRunner): Promise<boolean> {
  const found = await Promise.all(programs.map((program) => runner.which(program)));
  return found.some((path) => path !== undefined);
}

export async function findFileServer(runner: CommandRunner): Promise<FileServer | undefined> {
  for (const program of programs) {
    if ((await runner.which(program)) === undefined) continue;
    const help = await runner.run({ program, args: ['--help'], timeoutMs: 10_000 });
    return { program, flavour: help.stdout.includes('--shared-dir') ? 'rust' : 'c' };
  }
  return undefined;
}

/** The arguments that the two virtiofsd take for the same thing. */
export function fileServerArguments(flavour: FileServer['flavour'], socketPath: string, source: string): string[] {
  if (flavour === 'rust') {
    return [`--socket-path=${socketPath}`, `--shared-dir=${source}`, '--sandbox=namespace', '--cache=auto'];
  }
  // fuse_opt splits at commas; a backslash keeps one (fuse_opt.h).
  const escaped = source.replace(/[\\,]/g, (letter) => `\\${letter}`);
  return [`--socket-path=${socketPath}`, '-o', `source=${escaped}`, '-o', 'sandbox=namespace', '-o', 'cache=auto'];
}

/**
 * Starts the file server of one live mount and waits for its socket. `onStarted` is told of its process before anything
 * can fail. It ends by itself when QEMU lets go of the socket. Errors: host_program_missing, engine_failed, aborted.
 */
export async function startShare(
  deps: QemuDeps,
  request: {
    readonly server: FileServer;
    readonly share: Share;
    readonly index: number;
    readonly runtimeDir: string;
    readonly onStarted: (process: ProcessIdentity) => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { server, share, index, runtimeDir, signal } = request;
  const logPath = join(runtimeDir, runtimeFiles.shareLog(index));
  // Relative to the runtime directory, since a socket's path is short; through its parent, since the C server locks a
  // file in /run that is named after this path, so that it must differ from VM to VM.
  const socketPath = `../${basename(runtimeDir)}/${runtimeFiles.shareSocket(index)}`;
  const serve = async (program: string, args: readonly string[]) => {
    const started = await deps.runner.startDetached({ program, args, cwd: runtimeDir, outputPath: logPath });
    await request.onStarted(started);
    await socketReady(deps, {
      path: join(runtimeDir, runtimeFiles.shareSocket(index)),
      started,
      share,
      logPath,
      signal,
    });
  };
  if (!share.readOnly) {
    return serve(server.program, fileServerArguments(server.flavour, socketPath, share.source));
  }
  // Not mounted upon the source itself: that may hold the runtime directory, which must stay writable.
  const target = join(runtimeDir, runtimeFiles.shareDir(index));
  await mkdir(target, { mode: 0o700 });
  const args = fileServerArguments(server.flavour, socketPath, target);
  await inReadOnlyNamespace(deps, { source: share.source, target, logPath, signal }, (anchorPid) =>
    serve('nsenter', [`--target=${anchorPid}`, '--mount', `--wdns=${runtimeDir}`, '--', server.program, ...args]),
  );
}

/**
 * Runs `serve` with the pid of a process in whose mount namespace `target` is `source`, read-only whatever the guest
 * or a hijacked file server may try. The namespace lives on in what was started. Mounts below `source` are not in it.
 */
async function inReadOnlyNamespace(
  deps: QemuDeps,
  place: {
    readonly source: string;
    readonly target: string;
    readonly logPath: string;
    readonly signal: AbortSignal;
  },
  serve: (anchorPid: number) => Promise<void>,
): Promise<void> {
  const anchor = await deps.runner.startDetached({
    program: 'unshare',
    args: ['--mount', '--propagation=private', '--', 'sleep', anchorSeconds],
    outputPath: place.logPath,
  });
  try {
    await namespaceMade(deps, anchor, place.signal);
    const mount = (...args: string[]) =>
      deps.runner.run({
        program: 'nsenter',
        args: [`--target=${anchor.pid}`, '--mount', '--', 'mount', ...args],
        timeoutMs: 10_000,
        signal: place.signal,
      });
    await mount('--bind', '--', place.source, place.target);
    await mount('-o', 'remount,bind,ro', '--', place.target);
    await serve(anchor.pid);
  } finally {
    await deps.processes.terminate(anchor, 1_000);
  }
}

/** unshare(1) becomes sleep(1) once the namespace and its propagation are set; until then mounts could reach the host's. */
async function namespaceMade(deps: QemuDeps, anchor: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline && (await deps.processes.isAlive(anchor))) {
    const name = await readFile(`/proc/${anchor.pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'sleep') return;
    await deps.clock.sleep(5, signal);
  }
  throw new VmmError('engine_failed', 'A private mount namespace for a read-only mount could not be made.', {
    hint: 'Live mounts need the rights to make mount namespaces; use copies instead of live mounts here.',
  });
}

async function socketReady(
  deps: QemuDeps,
  wait: {
    readonly path: string;
    readonly started: ProcessIdentity;
    readonly share: Share;
    readonly logPath: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  const there = () =>
    access(wait.path).then(
      () => true,
      () => false,
    );
  while (!(await there())) {
    const alive = await deps.processes.isAlive(wait.started);
    if (!alive || performance.now() > deadline) {
      const detail = (await fileTail(wait.logPath, 4_000)).trim();
      throw new VmmError(
        'engine_failed',
        `The file server of the live mount ${wait.share.tag} (${wait.share.source}) did not start.`,
        { hint: `Make it a copy, or see whether ${wait.share.source} is readable.`, detail },
      );
    }
    await deps.clock.sleep(10, wait.signal);
  }
}
