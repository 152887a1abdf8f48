import type { ProcessIdentity } from './command-runner.ts';

/** The host's processes, by identity: a reused pid is never taken for ours. */
export interface ProcessTable {
  identify(pid: number): Promise<ProcessIdentity | undefined>;
  /** False for a zombie, a reused pid, or another boot. */
  isAlive(identity: ProcessIdentity): Promise<boolean>;
  /** Sends a signal if that process still lives. */
  kill(identity: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** SIGTERM, then SIGKILL after `graceMs`; resolves once it is gone. */
  terminate(identity: ProcessIdentity, graceMs: number): Promise<void>;
  bootId(): Promise<string>;
}
