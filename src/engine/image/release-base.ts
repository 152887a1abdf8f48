import type { Context } from '../context.ts';

/** Removes a base file when no image and no VM has it any more. */
export async function releaseBase(context: Context, digest: string): Promise<void> {
  const byImage = context.store.listImages().some((image) => image.digest === digest);
  const byVm = context.store.listVms().some(({ baseDigest }) => baseDigest === digest);
  if (!byImage && !byVm) await context.images.remove(digest);
}
