import { copyFile, rename, rm, stat, truncate } from 'node:fs/promises';

/**
 * Keeps a log that another process appends to below `maxBytes`: what is above moves to `<path>.1`, older ones to .2 …
 * up to `keep`. The writer has the file open with O_APPEND, so it is copied and emptied in place, not renamed; a line
 * written in the instant between may be lost. Returns whether it was cut.
 */
export async function trimLog(path: string, maxBytes: number, keep: number): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= maxBytes) return false;
  if (keep > 0) {
    const half = `${path}.new`;
    await copyFile(path, half);
    for (let index = keep - 1; index >= 1; index--) {
      await rename(`${path}.${index}`, `${path}.${index + 1}`).catch(() => undefined);
    }
    await rename(half, `${path}.1`);
  }
  await truncate(path, 0);
  return true;
}

/** The log and all that was moved aside. Idempotent. */
export async function removeLog(path: string, keep: number): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.new`, { force: true });
  for (let index = 1; index <= keep; index++) await rm(`${path}.${index}`, { force: true });
}
