/** What the host has. */
export interface HostInfo {
  cpus(): number;
  memoryMiB(): number;
  isRoot(): boolean;
  /** Kind of a path: for mounts, checked by the daemon since mount paths are the host's. */
  pathKind(path: string): Promise<'directory' | 'file' | 'missing' | 'unreadable'>;
  /** The path with all symlinks resolved. */
  realPath(path: string): Promise<string>;
}
