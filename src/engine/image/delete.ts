import { VmmError } from '../../contract/errors.ts';
import { type Context, emit } from '../context.ts';
import { claims } from '../locks.ts';
import { releaseBase } from './release-base.ts';
import { findImage, viewImage } from './view.ts';

/** Deletes an image that no VM was made from. */
export async function deleteImage(context: Context, name: string): Promise<void> {
  await using _claims = await context.locks.wait(claims, 'delete an image');
  const image = findImage(context, name);
  const { usedBy } = viewImage(context, image);
  if (usedBy.length > 0) {
    throw new VmmError('image_in_use', `Image ${name} is used by ${usedBy.join(', ')}.`, {
      hint: `Delete them first: vmm delete ${usedBy.join(' ')}`,
    });
  }
  context.store.deleteImage(name);
  await releaseBase(context, image.digest);
  emit(context, 'image.deleted', name, `Image ${name} was deleted.`);
}
