import { stat } from 'node:fs/promises';

/**
 * Runs `work` with the rights of the directory's owner when we are root: files get that owner, and somebody who swaps
 * a directory for a link meanwhile gains nothing he did not have. The ids belong to the whole process, so nothing else
 * may go on beside it but reading.
 */
export async function asDirectoryOwner<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const { seteuid, setegid, setgroups, getgroups } = process;
  const { uid, gid } = await stat(directory);
  const isRoot = process.geteuid?.() === 0;
  if (!isRoot || uid === 0 || !seteuid || !setegid || !setgroups || !getgroups) return await work();
  const groups = getgroups();
  setgroups([gid]);
  setegid(gid);
  seteuid(uid);
  try {
    return await work();
  } finally {
    seteuid(0);
    setegid(0);
    setgroups(groups);
  }
}
