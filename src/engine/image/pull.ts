import { VmmError } from '../../contract/errors.ts';
import type { Output, ParsedInput } from '../../contract/operations.ts';
import type { Image } from '../../contract/resources/image.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { claims } from '../locks.ts';
import { releaseBase } from './release-base.ts';
import { viewImage } from './view.ts';

/** Makes the guest kit and one of the default images, each only when it is not there or `force` asks for it. */
export async function pullImage(
  context: Context,
  { name, force }: ParsedInput<'image.pull'>,
  reporter: Reporter,
): Promise<Output<'image.pull'>> {
  if (name !== 'debian' && name !== 'tiny') {
    throw new VmmError('not_supported', `The default images are debian and tiny; ${name} is none of them.`, {
      hint: 'vmm image pull debian',
    });
  }
  await using _lock = await context.locks.wait('kit', 'build');
  const kit = await context.kit.ensure({ refresh: force, onProgress: reporter.onProgress, signal: reporter.signal });
  const present = context.store.findImage(name);
  const image = present === undefined || force ? await build(context, name, present, reporter) : present;
  return { image: viewImage(context, image), kernel: kit.kernel };
}

async function build(
  context: Context,
  name: 'debian' | 'tiny',
  present: Image | undefined,
  reporter: Reporter,
): Promise<Image> {
  const image = await context.images.build({
    name,
    recipe: name,
    onProgress: reporter.onProgress,
    signal: reporter.signal,
  });
  await using _claims = await context.locks.wait(claims, 'replace an image');
  context.store.putImage(image);
  if (present !== undefined) await releaseBase(context, present.digest);
  emit(context, 'image.added', name, `Image ${name} was made (${image.source}).`);
  return image;
}
