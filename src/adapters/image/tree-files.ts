import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** One change of a tree on the host that is to be an image. */
export type TreeChange =
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'gone'; readonly path: string };

export const file = (path: string, content: string, mode = 0o644): TreeChange => ({
  kind: 'file',
  path,
  content,
  mode,
});
export const link = (path: string, target: string): TreeChange => ({ kind: 'link', path, target });
export const gone = (path: string): TreeChange => ({ kind: 'gone', path });

/** Makes the changes in order. The tree holds nothing but the distribution's packages: no guest has ever run in it. */
export async function applyChanges(tree: string, changes: readonly TreeChange[]): Promise<void> {
  for (const change of changes) {
    const path = join(tree, change.path);
    await rm(path, { recursive: true, force: true });
    if (change.kind === 'gone') continue;
    await mkdir(dirname(path), { recursive: true });
    if (change.kind === 'link') await symlink(change.target, path);
    else {
      await writeFile(path, change.content);
      await chmod(path, change.mode ?? 0o644);
    }
  }
}
