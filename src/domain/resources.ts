import { VmmError } from '../contract/errors.ts';
import type { VmSpec } from '../contract/resources/vm.ts';

/** Throws too_few_resources when one VM alone asks for more than the host has. Over-commit between VMs is the user's choice. */
export function assertFits(
  spec: Pick<VmSpec, 'cpus' | 'memoryMiB'>,
  host: { readonly cpus: number; readonly memoryMiB: number; readonly maxCpus: number },
): void {
  if (spec.memoryMiB > host.memoryMiB) {
    throw new VmmError(
      'too_few_resources',
      `${spec.memoryMiB} MiB of memory were asked for; the host has ${host.memoryMiB} MiB.`,
      {
        hint: `--memory ${Math.max(64, Math.floor(host.memoryMiB / 2))}`,
      },
    );
  }
  if (spec.cpus > host.maxCpus) {
    throw new VmmError(
      'too_few_resources',
      `${spec.cpus} cpus were asked for; the engine gives at most ${host.maxCpus}.`,
      {
        hint: `--cpus ${host.cpus}`,
      },
    );
  }
}

/** A disk is never smaller than the image. Returns the size and, where it was raised, what to tell. */
export function raiseDisk(
  wantedMiB: number,
  imageBytes: number,
): { readonly diskMiB: number; readonly notice: string | undefined } {
  const imageMiB = Math.ceil(imageBytes / 2 ** 20);
  if (wantedMiB >= imageMiB) return { diskMiB: wantedMiB, notice: undefined };
  return {
    diskMiB: imageMiB,
    notice: `The disk was raised from ${wantedMiB} to ${imageMiB} MiB, the size of the image.`,
  };
}
