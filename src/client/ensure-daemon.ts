import { setTimeout as sleep } from 'node:timers/promises';
import { VmmError } from '../contract/errors.ts';
import type { DaemonStatus } from '../contract/resources/host.ts';
import { type Client, createClient } from './client.ts';
import { launchDaemon } from './launch-daemon.ts';
import { startDaemonHint } from './rights-hint.ts';

export interface DaemonLaunch {
  readonly socketPath: string;
  readonly version: string;
  /** Program and arguments that run the daemon. */
  readonly command: readonly string[];
  readonly logPath: string;
  /** The data directory is the system's: only root starts a daemon on it. */
  readonly rootOnly: boolean;
  /** Default 15,000. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A client of a daemon that answers, started or replaced by a newer one when needed. Several callers at once are fine:
 * one daemon gets the lock on the data directory and all find it.
 * Errors: daemon_unreachable, daemon_version, not_root, and what the daemon itself says of why it cannot start.
 */
export async function ensureDaemon(launch: DaemonLaunch): Promise<Client> {
  const client = createClient(launch);
  try {
    const status = await ask(client, launch.signal);
    if (status?.version === launch.version) return client;
    if (status !== undefined) await endOutdated(client, status, launch);
    await startDaemon(client, launch);
    return client;
  } catch (thrown) {
    client.close();
    throw thrown;
  }
}

/** undefined when none answers. */
async function ask(client: Client, signal: AbortSignal | undefined): Promise<DaemonStatus | undefined> {
  try {
    return await client.call('daemon.status', {}, signal === undefined ? {} : { signal });
  } catch (thrown) {
    const absent =
      thrown instanceof VmmError && (thrown.code === 'daemon_unreachable' || thrown.code === 'daemon_busy');
    if (absent) return undefined;
    throw thrown;
  }
}

async function startDaemon(client: Client, launch: DaemonLaunch): Promise<void> {
  if (launch.rootOnly && process.geteuid?.() !== 0) {
    throw new VmmError('not_root', 'No daemon runs, and only root can start it.', { hint: startDaemonHint() });
  }
  const deadline = Date.now() + (launch.deadlineMs ?? 15_000);
  const daemon = launchDaemon(launch.command, launch.logPath);
  for (let pauseMs = 10; Date.now() < deadline; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    await sleep(pauseMs, undefined, launch.signal === undefined ? {} : { signal: launch.signal });
    const status = await ask(client, launch.signal);
    if (status?.version === launch.version) return;
    const code = daemon.exitCode();
    if (code === undefined || code === 0) continue;
    const failure = daemon.failure();
    // Another one was first: that one is waited for.
    if (failure.code !== 'daemon_running') throw failure;
  }
  const { detail } = daemon.failure();
  throw new VmmError('daemon_unreachable', 'The daemon did not answer in time after its start.', {
    hint: `Its log is ${launch.logPath}`,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** An idle daemon of an older version makes room: VMs live on without it. */
async function endOutdated(client: Client, status: DaemonStatus, launch: DaemonLaunch): Promise<void> {
  const refuse = (why: string, hint: string) =>
    new VmmError('daemon_version', `The daemon is version ${status.version}, this is ${launch.version}; ${why}.`, {
      hint,
    });
  if (!isNewer(launch.version, status.version)) throw refuse('an older vmm cannot use it', 'Install the newer vmm.');
  if (status.kept)
    throw refuse('it is kept by a service', 'Restart it: sudo systemctl restart vmm (VMs keep running).');
  if (status.clients > 1) throw refuse('others use it now', 'Try again when they are done, or run: vmm daemon stop');
  await client.call('daemon.stop', {}, launch.signal === undefined ? {} : { signal: launch.signal });
}

function isNewer(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { numeric: true }) > 0;
}
