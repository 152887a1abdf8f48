import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { Layout } from '../../domain/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { GuestKit, Kit } from '../../ports/guest-kit.ts';
import { type Apt, freshApt, hostApt, locatePackages, type PackageFile, resolvePackages } from './apt.ts';
import { buildKit, kitFiles } from './build-kit.ts';
import { distributionOf, programPackages } from './distribution.ts';
import { asKitError } from './kit-errors.ts';
import { digestInputs, digestOwnInputs, type KitRecord, kitRecordSchema } from './kit-record.ts';
import type { Workshop } from './workshop.ts';

export interface GuestKitDeps {
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly layout: Layout;
  /** The package's folder with the scripts that run in the guest. */
  readonly guestDir: string;
  /** Default: /etc/os-release and this process's architecture. */
  readonly osReleasePath?: string;
  readonly arch?: string;
}

type EnsureOptions = Parameters<GuestKit['ensure']>[0];

/** Kits under images/kernels, one folder a digest; the file `current` there names the one in use. */
export function createGuestKit(deps: GuestKitDeps): GuestKit {
  const { layout, guestDir } = deps;
  const pointer = `${layout.kernels}/current`;
  // Builds wait for each other: the second one then finds what the first has made.
  let queue: Promise<unknown> = Promise.resolve();

  const read = async (digest: string): Promise<Kit & { readonly record: KitRecord }> => {
    const dir = `${layout.kernels}/${digest}`;
    const record = kitRecordSchema.parse(JSON.parse(await readFile(`${dir}/${kitFiles.record}`, 'utf8')));
    await Promise.all(Object.values(kitFiles).map((name) => access(`${dir}/${name}`)));
    return {
      record,
      digest: record.kernel.digest,
      kernel: record.kernel,
      vmlinuxPath: `${dir}/${kitFiles.vmlinux}`,
      vmlinuzPath: `${dir}/${kitFiles.vmlinuz}`,
      initramfsPath: `${dir}/${kitFiles.initramfs}`,
      modulesPath: `${dir}/${kitFiles.modules}`,
      busyboxPath: `${dir}/${kitFiles.busybox}`,
    };
  };

  const current = async (): Promise<Kit | undefined> => {
    try {
      const { record, ...kit } = await read((await readFile(pointer, 'utf8')).trim());
      return record.ownInputs === (await digestOwnInputs(guestDir)) ? kit : undefined;
    } catch {
      // Missing, half there or of another version: it must be built.
      return undefined;
    }
  };

  const use = async (digest: string): Promise<Kit> => {
    const previous = await readFile(pointer, 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    );
    await writeFile(`${pointer}.new`, `${digest}\n`);
    await rename(`${pointer}.new`, pointer);
    // The one before stays for guests that are just starting from it.
    for (const name of await readdir(layout.kernels)) {
      if (/^[0-9a-f]{64}$/.test(name) && name !== digest && name !== previous) {
        await rm(`${layout.kernels}/${name}`, { recursive: true, force: true });
      }
    }
    const { record: _, ...kit } = await read(digest);
    return kit;
  };

  const build = async (options: EnsureOptions): Promise<Kit> => {
    const known = await current();
    if (known !== undefined && options.refresh !== true) return known;
    const release = await readFile(deps.osReleasePath ?? '/etc/os-release', 'utf8');
    const { kernelPackage } = distributionOf(release, deps.arch ?? process.arch);
    await Promise.all([mkdir(layout.tmp, { recursive: true }), mkdir(layout.kernels, { recursive: true })]);
    const dir = await mkdtemp(`${layout.tmp}/kit-`);
    const shop: Workshop = { runner: deps.runner, signal: options.signal, onProgress: options.onProgress, dir };
    try {
      const { apt, packages } = await findPackages(shop, deps.layout.cache, kernelPackage, options.refresh === true);
      const ownInputs = await digestOwnInputs(guestDir);
      const digest = digestInputs(ownInputs, packages);
      if (known?.digest === digest) return known;
      const half = `${dir}/kit`;
      const version = await buildKit(shop, apt, packages, guestDir, half);
      const kernel = { name: 'default', version, digest, createdAt: deps.clock.now().toISOString() };
      const record: KitRecord = { kernel, ownInputs, packages: [...packages] };
      await writeFile(`${half}/${kitFiles.record}`, `${JSON.stringify(record, undefined, 2)}\n`);
      // An older kit of the same inputs that lost a file is in the way of the rename.
      await rm(`${layout.kernels}/${digest}`, { recursive: true, force: true });
      await rename(half, `${layout.kernels}/${digest}`);
      return await use(digest);
    } catch (thrown) {
      const error = asKitError(thrown, 'building');
      // Lists of the host that are older than the archive, or just being fetched by another program, name files that
      // are gone: once more, with lists of our own.
      if (error.code === 'kit_build_failed' && options.refresh !== true)
        return await build({ ...options, refresh: true });
      throw error;
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };

  return {
    current,
    ensure: (options) => {
      const turn = queue.then(() => build(options));
      queue = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** The host's own package lists when they will do, else (or when newer packages are asked for) lists fetched anew. */
async function findPackages(
  shop: Workshop,
  cacheDir: string,
  kernelPackage: string,
  refresh: boolean,
): Promise<{ readonly apt: Apt; readonly packages: readonly PackageFile[] }> {
  shop.onProgress({ step: 'packages', message: 'Looking up the packages of the distribution' });
  if (!refresh) {
    try {
      const apt = hostApt(shop);
      return { apt, packages: await locate(apt, kernelPackage) };
    } catch (thrown) {
      // Lists that are missing are no failure: they are fetched below. A missing apt or an abort is.
      const error = asKitError(thrown, 'looking up packages');
      if (error.code !== 'kit_build_failed') throw error;
    }
  }
  shop.onProgress({ step: 'packages', message: 'Fetching the package lists of the distribution' });
  const apt = await freshApt(shop, cacheDir);
  return { apt, packages: await locate(apt, kernelPackage) };
}

/** Throws kit_build_failed when a package is in no list, as when another program is just fetching the host's lists. */
async function locate(apt: Apt, kernelPackage: string): Promise<readonly PackageFile[]> {
  const kernel = await resolvePackages(apt, [kernelPackage], /^linux-(image|modules)-/);
  const programs = await resolvePackages(apt, programPackages, /^(lib|zlib1g)/);
  // The package that was asked for only leads to the newest kernel's.
  const names = [...kernel.filter((name) => name !== kernelPackage), ...programs];
  const files = await locatePackages(apt, names);
  const missing = names.find((name) => !files.some((file) => file.name === name));
  if (missing !== undefined || names.length === programs.length) {
    const what = missing ?? `the kernel of ${kernelPackage}`;
    throw new VmmError('kit_build_failed', `The package lists have no ${what}.`, {
      hint: 'Run "sudo apt-get update" and check that it works, then: vmm image pull',
    });
  }
  return files;
}
