import { VmmError } from '../../contract/errors.ts';

export interface Distribution {
  readonly id: string;
  /** The package that always depends on the newest small kernel for virtual machines. */
  readonly kernelPackage: string;
}

/** What the guest runs, and what the build itself runs (unpackers, depmod). */
export const programPackages = [
  'busybox-static',
  'dropbear-bin',
  'e2fsprogs',
  'kmod',
  'lz4',
  'qemu-guest-agent',
  'util-linux',
  'xz-utils',
] as const;

const kernelPackages: Readonly<Record<string, string>> = {
  debian: 'linux-image-cloud-amd64',
  ubuntu: 'linux-image-virtual',
};

/** os-release(5): the distribution, or the one it says it is like. Throws not_supported. */
export function distributionOf(osRelease: string, arch: string): Distribution {
  const value = (key: string) =>
    new RegExp(`^${key}=(["']?)(.*)\\1$`, 'm')
      .exec(osRelease)?.[2]
      ?.split(' ')
      .filter((word) => word !== '') ?? [];
  const id = [...value('ID'), ...value('ID_LIKE')].find((name) => Object.hasOwn(kernelPackages, name));
  const kernelPackage = id === undefined ? undefined : kernelPackages[id];
  if (id === undefined || kernelPackage === undefined) {
    throw new VmmError(
      'not_supported',
      `The guest kit is made from the packages of Debian or Ubuntu; this is ${value('ID')[0] ?? 'another system'}.`,
      {
        hint: 'Use a host with Debian 12 or Ubuntu 24.04',
      },
    );
  }
  if (arch !== 'x64') {
    throw new VmmError('not_supported', `The guest kit is made for x86-64 hosts; this one is ${arch}.`, {
      hint: 'Use an x86-64 host',
    });
  }
  return { id, kernelPackage };
}
