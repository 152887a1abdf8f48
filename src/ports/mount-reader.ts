/** Reads a file system that a guest wrote. The host's kernel never mounts it and no privileged program parses it. */
export interface MountReader {
  /** The tree of an ext4 image as a tar stream, made inside a throw-away guest. `done` rejects with engine_failed, guest_timeout or aborted. */
  readTree(
    imagePath: string,
    signal: AbortSignal,
  ): Promise<{ readonly tar: NodeJS.ReadableStream; readonly done: Promise<void> }>;
}
