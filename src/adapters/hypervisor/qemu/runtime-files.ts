import { readdir, rm, rmdir } from 'node:fs/promises';
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

/** Removes what earlier runs left; nothing else that somebody may have put there. Idempotent. */
export async function clearRuntimeFiles(runtimeDir: string): Promise<void> {
  const names = await readdir(runtimeDir).catch(() => []);
  for (const name of names) {
    if (fixed.has(name) || ofShares.test(name)) await rm(join(runtimeDir, name), { force: true });
  }
}

/** The files, and the directory itself when nothing else is in it. Idempotent. */
export async function removeRuntimeDir(runtimeDir: string): Promise<void> {
  await clearRuntimeFiles(runtimeDir);
  await rmdir(runtimeDir).catch(() => undefined);
}
