import { mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * `durable`: the content is on the disk before the name is, so that a power cut leaves the old file or the new one.
 * `atomic`: as good as that for a crash of ours, for files that are made anew at each start anyway.
 */
export type Care = 'durable' | 'atomic';

/** Half-made files have one fixed name each, so that what a killed daemon left is replaced and never piles up. */
const partialOf = (target: string) => join(dirname(target), `.${basename(target)}.partial`);

/** Makes a file aside and renames it into place. When `make` fails nothing is left, not even the folder if it was new. */
export async function replaceFile(target: string, care: Care, make: (partial: string) => Promise<void>): Promise<void> {
  const folder = dirname(target);
  const partial = partialOf(target);
  const newFolder = await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await rm(partial, { force: true });
    await make(partial);
    if (care === 'durable') await sync(partial);
    await rename(partial, target);
    if (care === 'durable') await sync(folder);
  } catch (error) {
    await rm(partial, { force: true });
    // Another file of the same VM may have come into the folder meanwhile; then it stays.
    if (newFolder !== undefined) await rmdir(folder).catch(() => undefined);
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
