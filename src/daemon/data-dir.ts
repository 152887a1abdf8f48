import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { VmmError } from '../contract/errors.ts';
import { layout } from '../domain/layout.ts';

/**
 * Makes the folders of the data directory. The directory itself is open to look into, for the status file and the
 * socket; all folders in it are the owner's alone.
 */
export async function prepareDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  await assertOwn(dataDir);
  await chmod(dataDir, 0o755);
  const paths = layout(dataDir);
  const folders = [
    paths.config,
    paths.vms,
    paths.rootfs,
    paths.kernels,
    paths.mounts,
    paths.sockets,
    paths.logs,
    paths.state,
    paths.cache,
  ];
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Half-made files of a daemon that was killed. Only while holding the lock. */
export async function emptyScratch(dataDir: string): Promise<void> {
  const { tmp } = layout(dataDir);
  await rm(tmp, { recursive: true, force: true });
  await mkdir(tmp, { mode: 0o700 });
}

/** In a directory of somebody else's, that one could plant symlinks and have us write where they point. */
async function assertOwn(dataDir: string): Promise<void> {
  const { uid, mode } = await stat(dataDir);
  if (uid !== process.geteuid?.()) {
    throw new VmmError('invalid_config', `The data directory ${dataDir} belongs to another user (uid ${uid}).`, {
      hint: `Choose another one, or: sudo chown ${process.geteuid?.()} ${dataDir}`,
    });
  }
  if ((mode & 0o022) !== 0) {
    throw new VmmError('invalid_config', `The data directory ${dataDir} can be written by other users.`, {
      hint: `chmod go-w ${dataDir}`,
    });
  }
}
