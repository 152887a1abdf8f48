import type { Dirent } from 'node:fs';
import { chmod, copyFile, cp, lstat, mkdir, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { labels } from '../../domain/guest-protocol.ts';
import { lateSets, listText, loadOrder } from './module-order.ts';
import type { PackagedPrograms } from './packaged-programs.ts';
import type { PreparedModules } from './prepare-modules.ts';
import type { Workshop } from './workshop.ts';

export interface DriveParts {
  readonly guestDir: string;
  readonly busyboxPath: string;
  readonly applets: readonly string[];
  readonly programs: PackagedPrograms;
  readonly modules: PreparedModules;
}

/** What guests run from the drive, beside busybox. */
const guestPrograms = ['dropbear', 'dropbearconvert', 'e2fsck', 'qemu-ga', 'resize2fs', 'setpriv'];

/**
 * The kit's read-only drive: programs with the libraries they need (an image may have another libc, or none), the
 * scripts of the second half of the boot, and the kernel's modules. Takes the modules out of their folder.
 */
export async function buildDrive(shop: Workshop, parts: DriveParts, target: string): Promise<void> {
  const tree = `${shop.dir}/drive`;
  await Promise.all(
    ['acpi/PWRF', 'bin', 'dev', 'lib', 'modules', 'sbin'].map((name) => mkdir(`${tree}/${name}`, { recursive: true })),
  );
  await copyPrograms(parts, tree);
  await copyScripts(parts, tree);
  for (const [set, names] of Object.entries(lateSets)) {
    const order = loadOrder(parts.modules.dependencies, names);
    await writeFile(`${tree}/${set}.list`, listText(order.map((module) => `${parts.modules.release}/${module}`)));
  }
  await rename(parts.modules.path, `${tree}/modules/${parts.modules.release}`);
  // Links that lead to the source tree of the kernel's build are of no use without it.
  await Promise.all(
    ['build', 'source'].map((link) => rm(`${tree}/modules/${parts.modules.release}/${link}`, { force: true })),
  );
  await makeFileSystem(shop, tree, target);
}

async function copyPrograms({ programs, busyboxPath, applets }: DriveParts, tree: string): Promise<void> {
  await copyFile(busyboxPath, `${tree}/bin/busybox`);
  for (const applet of applets) await symlink('busybox', `${tree}/bin/${applet}`);
  await copyFile(programs.loaderPath, `${tree}/lib/ld.so`);
  for (const name of guestPrograms) {
    const path = await programs.find(name, ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/lib/dropbear']);
    await copyFile(path, `${tree}/sbin/${name}`);
    for (const library of await programs.librariesOf(path)) {
      await cp(library, `${tree}/lib/${basename(library)}`, { dereference: true });
    }
  }
}

async function copyScripts({ guestDir }: DriveParts, tree: string): Promise<void> {
  const scripts = [
    ['setup', 'setup', 0o644],
    ['tiny-init', 'tiny-init', 0o644],
    ['shutdown', 'shutdown', 0o755],
    // The name under which busybox's acpid looks for what to do at the power button.
    ['power-button', 'acpi/PWRF/00000080', 0o755],
  ] as const;
  for (const [script, path, mode] of scripts) {
    await copyFile(`${guestDir}/${script}`, `${tree}/${path}`);
    await chmod(`${tree}/${path}`, mode);
  }
  // What udev or systemd would put into /dev, for images that have neither.
  await symlink('/proc/self/fd', `${tree}/dev/fd`);
  for (const [number, name] of ['stdin', 'stdout', 'stderr'].entries()) {
    await symlink(`/proc/self/fd/${number}`, `${tree}/dev/${name}`);
  }
}

/** Everything below a folder. Node's own recursive listing follows links to folders, and `dev/fd` leads to ours under /proc. */
async function* walk(folder: string): AsyncGenerator<Dirent> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    yield entry;
    if (entry.isDirectory()) yield* walk(`${folder}/${entry.name}`);
  }
}

async function makeFileSystem(shop: Workshop, tree: string, target: string): Promise<void> {
  const blockBytes = 4096;
  let blocks = 0;
  let files = 0;
  for await (const entry of walk(tree)) {
    files += 1;
    blocks += entry.isFile() ? Math.ceil((await lstat(`${entry.parentPath}/${entry.name}`)).size / blockBytes) : 1;
  }
  // A tenth and 4 MiB for the file system's own tables.
  await writeFile(target, '');
  await truncate(target, (Math.ceil(blocks * 1.1) + 1024) * blockBytes);
  await shop.runner.run({
    program: 'mkfs.ext4',
    args: [
      ...['-q', '-F', '-L', labels.modules, '-b', String(blockBytes), '-N', String(files + 64), '-m', '0'],
      ...['-O', '^has_journal', '-E', 'root_owner=0:0', '-d', tree, target],
    ],
    timeoutMs: 120_000,
    signal: shop.signal,
  });
}
