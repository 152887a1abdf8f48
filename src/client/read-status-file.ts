import { existsSync, readFileSync } from 'node:fs';
import { VmmError } from '../contract/errors.ts';
import type { PublishedStatus } from '../contract/resources/host.ts';
import type { Vm } from '../contract/resources/vm.ts';

export interface StatusReading extends PublishedStatus {
  /** The daemon that wrote it still runs, so that it is true up to a moment ago. */
  readonly daemonAlive: boolean;
}

/**
 * The published status, for commands that only look and may not, or need not, ask the daemon. Without a daemon it is
 * held against the host's processes, which anybody may see: a VM whose process is gone is shown as stopped.
 * undefined: no daemon ever ran here.
 */
export function readStatusFile(path: string): StatusReading | undefined {
  const text = read(path);
  if (text === undefined) return undefined;
  // Trusted: the daemon alone can write there, and replaces it whole.
  const status = JSON.parse(text) as PublishedStatus;
  const sameBoot = status.bootId === readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const writtenAt = Date.parse(status.writtenAt);
  const lives = (pid: number) => sameBoot && processIsFrom(pid, writtenAt);
  const daemonAlive = status.daemon !== null && lives(status.daemon.pid);
  return { ...status, daemonAlive, vms: daemonAlive ? status.vms : status.vms.map((vm) => asObserved(vm, lives)) };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new VmmError('storage_failed', `The status file ${path} cannot be read.`, {
      hint: 'Run the command with sudo.',
      cause: thrown,
    });
  }
}

function asObserved(vm: Vm, lives: (pid: number) => boolean): Vm {
  const { pid, phase } = vm.status;
  if (phase === 'stopped' || phase === 'failed' || (pid !== undefined && lives(pid))) return vm;
  const { pid: _, ...status } = vm.status;
  return { ...vm, status: { ...status, phase: 'stopped', ready: false, exitCause: 'unknown' } };
}

/** Whether the pid is of a process that began before the file was written; a later one has only the same number. */
function processIsFrom(pid: number, writtenAtMs: number): boolean {
  const stat = readProc(`/proc/${pid}/stat`);
  // Other users' processes may be hidden (hidepid, proc(5)): then nothing speaks against the file.
  if (stat === undefined) return !existsSync('/proc/1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 3 and 22 of /proc/PID/stat: the state, and the start in clock ticks since boot, always 100 a second for programs.
  const [state, startTicks] = [fields[0], Number(fields[19])];
  const uptimeSeconds = Number.parseFloat(readProc('/proc/uptime') ?? '0');
  const startedAtMs = Date.now() - (uptimeSeconds - startTicks / 100) * 1000;
  return state !== 'Z' && startedAtMs < writtenAtMs + 1000;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
