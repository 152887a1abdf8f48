import { createHash } from 'node:crypto';
import type { Image } from '../contract/resources/image.ts';
import type { Layout } from '../domain/layout.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageSource } from '../ports/image-source.ts';
import type { FakeFiles } from './fake-files.ts';
import { stopIfAborted } from './fake-network.ts';

type Build = Parameters<ImageSource['build']>[0];

/** Makes images of 300 MiB out of nothing. The same recipe gives the same digest. */
export class FakeImages implements ImageSource {
  readonly #files: FakeFiles;
  readonly #layout: Layout;
  readonly #clock: Clock;

  constructor(deps: { files: FakeFiles; layout: Layout; clock: Clock }) {
    this.#files = deps.files;
    this.#layout = deps.layout;
    this.#clock = deps.clock;
  }

  async build({ name, recipe, onProgress, signal }: Build): Promise<Image> {
    stopIfAborted(signal);
    onProgress({ step: 'image', message: `Making the image ${name}` });
    const own = recipe === 'debian' ? { init: '/sbin/init', hasSshd: true, hasAgent: true } : {};
    const image: Image = {
      name,
      digest: `sha256:${createHash('sha256').update(recipe).digest('hex')}`,
      createdAt: this.#clock.now().toISOString(),
      source: `fake:${recipe}`,
      sizeBytes: 512 * 1024 ** 2,
      diskBytes: 300 * 1024 ** 2,
      config: { entrypoint: [], cmd: [], env: [], user: 'root', workdir: '/', hasSshd: false, hasAgent: false, ...own },
    };
    this.#files.put(this.basePath(image.digest), image.diskBytes);
    return image;
  }

  basePath(digest: string): string {
    return this.#layout.baseImage(digest);
  }

  async remove(digest: string): Promise<void> {
    this.#files.remove(this.basePath(digest));
  }
}
