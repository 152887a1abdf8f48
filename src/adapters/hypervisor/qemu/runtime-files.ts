import { readdir, rm, rmdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Every name that the driver makes in a VM's runtime directory. Short: a socket's whole path has 107 bytes (unix(7)). */
export const runtimeFiles = {
  qmp: 'qmp.sock',
  console: 'con.sock',
  agent: 'qga.sock',
  pid: 'qemu.pid',
  /** What QEMU says on stderr. */
  log: 'vmm.log',
  shareSocket: (index: number) => `fs${index}.sock`,
  shareLog: (index: number) => `fs${index}.log`,
  /** Where a read-only share lies in the mount namespace of its server; an empty directory to everybody else. */
  shareDir: (index: number) => `fs${index}.dir`,
} as const;

/** The longest name a socket of ours has. */
export const longestSocketName = runtimeFiles.shareSocket(99).length;

const fixed: ReadonlySet<string> = new Set([
  runtimeFiles.qmp,
  runtimeFiles.console,
  runtimeFiles.agent,
  runtimeFiles.pid,
  runtimeFiles.log,
]);
const ofShares = /^fs\d+\.(sock|sock\.pid|log)$/;
const mountPoints = /^fs\d+\.dir$/;

/** Removes what earlier runs left; nothing else that somebody may have put there. Idempotent. */
export async function clearRuntimeFiles(runtimeDir: string): Promise<void> {
  const names = await readdir(runtimeDir).catch(() => []);
  for (const name of names) {
    if (fixed.has(name) || ofShares.test(name)) await rm(join(runtimeDir, name), { force: true });
    // Not with what is in it: that would be the user's directory, were a mount ever left.
    else if (mountPoints.test(name)) await rmdir(join(runtimeDir, name)).catch(() => undefined);
  }
}

/** The files, and the directory itself when nothing else is in it. Idempotent. */
export async function removeRuntimeDir(runtimeDir: string): Promise<void> {
  await clearRuntimeFiles(runtimeDir);
  await rmdir(runtimeDir).catch(() => undefined);
}

/** A guest can make QEMU and its file servers complain without end; nobody reads more than the tail. */
const longestLog = 1024 * 1024;

/** Empties the logs of the engine's own programs when they have grown; they are written with O_APPEND. */
export async function boundLogs(runtimeDir: string): Promise<void> {
  const names = await readdir(runtimeDir).catch(() => []);
  for (const name of names.filter((name) => name.endsWith('.log'))) {
    const path = join(runtimeDir, name);
    const grown = await stat(path).then(
      ({ size }) => size > longestLog,
      () => false,
    );
    if (grown) await truncate(path, 0).catch(() => undefined);
  }
}
