import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { kernelSchema } from '../../contract/resources/image.ts';
import type { PackageFile } from './apt.ts';

/** Counted up when the build changes in a way that guest files and packages do not show. */
export const recipeVersion = 1;

/** kit.json, beside the files it describes. */
export const kitRecordSchema = z.object({
  kernel: kernelSchema,
  /** Digest of what needs no package list to be known: guest files and recipe. */
  ownInputs: z.string(),
  packages: z.array(z.object({ name: z.string(), file: z.string(), hash: z.string() })),
});
export type KitRecord = z.infer<typeof kitRecordSchema>;

export async function digestOwnInputs(guestDir: string): Promise<string> {
  const hash = createHash('sha256').update(`recipe ${recipeVersion}\n`);
  for (const name of (await readdir(guestDir)).sort()) {
    const content = await readFile(`${guestDir}/${name}`);
    hash.update(`${name} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** Digest of the whole kit: names its folder. */
export function digestInputs(ownInputs: string, packages: readonly PackageFile[]): string {
  const hash = createHash('sha256').update(ownInputs);
  for (const { file, hash: packageHash } of packages) hash.update(`\n${file} ${packageHash}`);
  return hash.digest('hex');
}
