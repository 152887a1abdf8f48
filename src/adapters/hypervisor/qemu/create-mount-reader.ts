import type { GuestKit } from '../../../ports/guest-kit.ts';
import type { MountReader } from '../../../ports/mount-reader.ts';
import { type HostFiles, hostFiles } from './acceleration.ts';
import { decide, qemuVersion } from './decide.ts';
import type { QemuDeps } from './deps.ts';
import { createReader } from './reader.ts';

/** The mount reader on QEMU, with the kit and the machine that VMs have here. */
export function createMountReader(
  deps: QemuDeps & { readonly kit: Pick<GuestKit, 'ensure'> },
  files: HostFiles = hostFiles,
): MountReader {
  return createReader({
    ...deps,
    async prepare(signal) {
      const boot = await deps.kit.ensure({ onProgress: () => undefined, signal });
      const version = await qemuVersion(deps, signal);
      const { choice } = await decide(deps, files, { version, boot, signal });
      return { boot, choice };
    },
  });
}
