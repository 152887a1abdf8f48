import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { Apt, PackageFile } from './apt.ts';
import { downloadPackages } from './apt.ts';
import { buildDrive } from './build-drive.ts';
import { buildInitramfs } from './build-initramfs.ts';
import { type PackagedPrograms, packagedPrograms } from './packaged-programs.ts';
import { type PreparedModules, prepareModules } from './prepare-modules.ts';
import { unpackKernel } from './unpack-kernel.ts';
import { room, type Workshop } from './workshop.ts';

/** Names of a kit's files in its folder. */
export const kitFiles = {
  vmlinux: 'vmlinux',
  vmlinuz: 'vmlinuz',
  initramfs: 'initramfs',
  modules: 'modules.ext4',
  busybox: 'busybox',
  record: 'kit.json',
} as const;

/** Makes all files of a kit but its record in `target`. Returns the kernel's release. */
export async function buildKit(
  shop: Workshop,
  apt: Apt,
  packages: readonly PackageFile[],
  guestDir: string,
  target: string,
): Promise<string> {
  const tree = await unpackPackages(shop, apt, packages);
  const programs = await packagedPrograms(shop, tree);
  await mkdir(target, { recursive: true });

  shop.onProgress({ step: 'kernel', message: 'Taking the kernel out of its package' });
  const vmlinuz = await packagedKernel(tree);
  await copyFile(vmlinuz, `${target}/${kitFiles.vmlinuz}`);
  // Ubuntu's kernels are readable by root alone, which an engine in a jail is not.
  await chmod(`${target}/${kitFiles.vmlinuz}`, 0o644);
  await unpackKernel(programs, vmlinuz, `${target}/${kitFiles.vmlinux}`);
  for (const packed of ['lz4', 'xz']) await rm(`${target}/${kitFiles.vmlinux}.${packed}`, { force: true });

  shop.onProgress({ step: 'modules', message: 'Preparing drivers and the programs of the guest' });
  const modules = await prepareModules(programs, tree, await room(shop, 'modules'));
  await assemble(shop, programs, modules, guestDir, target);
  return modules.release;
}

async function unpackPackages(shop: Workshop, apt: Apt, packages: readonly PackageFile[]): Promise<string> {
  const total = packages.length;
  shop.onProgress({ step: 'download', message: 'Downloading the signed packages', current: 0, total, unit: 'items' });
  const debs = await room(shop, 'packages');
  const names = packages.map(({ name }) => name);
  await downloadPackages(apt, names, debs, (current) =>
    shop.onProgress({ step: 'download', message: 'Downloading the signed packages', current, total, unit: 'items' }),
  );
  const tree = await room(shop, 'tree');
  for (const [index, { name, file }] of packages.entries()) {
    shop.onProgress({ step: 'unpack', message: `Unpacking ${name}`, current: index + 1, total, unit: 'items' });
    await shop.runner.run({
      program: 'dpkg-deb',
      args: ['-x', `${debs}/${file}`, tree],
      timeoutMs: 120_000,
      signal: shop.signal,
    });
  }
  return tree;
}

async function packagedKernel(tree: string): Promise<string> {
  const name = (await readdir(`${tree}/boot`)).find((file) => file.startsWith('vmlinuz-'));
  if (name === undefined) throw new VmmError('kit_build_failed', 'The kernel package has no vmlinuz.');
  return `${tree}/boot/${name}`;
}

async function assemble(
  shop: Workshop,
  programs: PackagedPrograms,
  modules: PreparedModules,
  guestDir: string,
  target: string,
): Promise<void> {
  const busyboxPath = `${target}/${kitFiles.busybox}`;
  await copyFile(await programs.find('busybox'), busyboxPath);
  const { stdout } = await shop.runner.run({ program: busyboxPath, args: ['--list'], signal: shop.signal });
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  const initramfs = await buildInitramfs({ initPath: `${guestDir}/init`, busyboxPath, modules });
  await writeFile(`${target}/${kitFiles.initramfs}`, initramfs);
  shop.onProgress({ step: 'drive', message: 'Making the drive of modules and programs' });
  await buildDrive(shop, { guestDir, busyboxPath, applets, programs, modules }, `${target}/${kitFiles.modules}`);
}
