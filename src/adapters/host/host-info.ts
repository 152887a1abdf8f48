import { access, constants, realpath, stat } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { VmmError } from '../../contract/errors.ts';
import type { HostInfo } from '../../ports/host-info.ts';

export const hostInfo: HostInfo = {
  cpus: () => cpus().length,
  memoryMiB: () => Math.floor(totalmem() / (1024 * 1024)),
  isRoot: () => process.geteuid?.() === 0,
  async pathKind(path) {
    try {
      const found = await stat(path);
      if (!found.isDirectory()) return 'file';
      await access(path, constants.R_OK | constants.X_OK);
      return 'directory';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unreadable';
    }
  },
  async realPath(path) {
    try {
      return await realpath(path);
    } catch (error) {
      throw new VmmError('storage_failed', `The path ${path} cannot be resolved.`, { cause: error });
    }
  },
};
