import { VmmError } from '../../contract/errors.ts';
import type { Image, ImageView } from '../../contract/resources/image.ts';
import type { Context } from '../context.ts';

export function viewImage(context: Context, image: Image): ImageView {
  const users = context.store.listVms().filter(({ vm }) => vm.spec.image === image.name);
  return { ...image, usedBy: users.map(({ vm }) => vm.name) };
}

/** Throws image_not_found. */
export function findImage(context: Context, name: string): Image {
  const image = context.store.findImage(name);
  if (image !== undefined) return image;
  throw new VmmError('image_not_found', `There is no image named ${name}.`, { hint: 'See them all: vmm image list' });
}
