import type { Image } from '../contract/resources/image.ts';
import type { Progress } from '../contract/stream.ts';

/** Base images: immutable ext4 files under images/rootfs, each with its record. */
export interface ImageSource {
  /** Makes an image from the distribution's packages: `debian` (mmdebstrap) or `tiny` (busybox alone). Atomic; safe to cancel and retry. Errors: image_build_failed, host_program_missing, disk_full. */
  build(options: {
    readonly name: string;
    readonly recipe: 'debian' | 'tiny';
    readonly onProgress: (progress: Progress) => void;
    readonly signal: AbortSignal;
  }): Promise<Image>;
  /** Path of a base file system. */
  basePath(digest: string): string;
  /** Removes a base file that nobody uses any more. Idempotent. */
  remove(digest: string): Promise<void>;
}
