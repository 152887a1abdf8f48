import { Readable } from 'node:stream';
import { VmmError } from '../contract/errors.ts';
import type { MountReader } from '../ports/mount-reader.ts';
import type { FakeFiles } from './fake-files.ts';
import { stopIfAborted } from './fake-network.ts';

/** Answers a tar stream of a test's own choice for every image that is there. */
export class FakeMountReader implements MountReader {
  /** An empty tar archive is 1,024 zero bytes. */
  tar: Uint8Array = new Uint8Array(1024);
  readonly #files: FakeFiles;

  constructor({ files }: { files: FakeFiles }) {
    this.#files = files;
  }

  async readTree(imagePath: string, signal: AbortSignal): ReturnType<MountReader['readTree']> {
    stopIfAborted(signal);
    if (!this.#files.has(imagePath)) throw new VmmError('engine_failed', `${imagePath} cannot be opened.`);
    return { tar: Readable.from([this.tar]), done: Promise.resolve() };
  }
}
