import { lstat, mkdir, readlink, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes the symbolic links of an archive, last of all: until then nothing could be written through one. The directory
 * each stands in is walked without following links. Returns the paths that could not be made, with the reason.
 */
export async function makeLinks(root: string, links: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const [path, target] of links) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    const directory = await realDirectory(root, parts);
    if (directory === undefined || name === '' || target === '') {
      failed.push(`${path}: its directory is a link or a file`);
      continue;
    }
    const at = join(directory, name);
    const there = await lstat(at).catch(() => undefined);
    if (there?.isDirectory() === true) {
      failed.push(`${path}: a directory stands there`);
      continue;
    }
    if (there?.isSymbolicLink() === true && (await readlink(at)) === target) continue;
    if (there !== undefined) await unlink(at);
    await symlink(target, at);
  }
  return failed;
}

/** The directory below root, made where missing; undefined when a part of the way is no real directory. */
async function realDirectory(root: string, parts: readonly string[]): Promise<string | undefined> {
  let directory = root;
  for (const part of parts) {
    directory = join(directory, part);
    const found = await lstat(directory).catch(() => undefined);
    if (found === undefined) await mkdir(directory);
    else if (!found.isDirectory()) return undefined;
  }
  return directory;
}
