import type { Kernel } from '../contract/resources/image.ts';
import type { Progress } from '../contract/stream.ts';
import type { BootFiles } from './hypervisor.ts';

export interface Kit extends BootFiles {
  readonly kernel: Kernel;
  /** Read-only drive with the kernel's whole /lib/modules, ext4 with label `vmm-modules`. */
  readonly modulesPath: string;
  /** Static busybox, for images made of it alone. */
  readonly busyboxPath: string;
}

/** Kernel and initramfs for guests, made from the distribution's signed packages and cached by content. */
export interface GuestKit {
  /** The cached kit, or undefined when it must be built (first use, or an input changed). */
  current(): Promise<Kit | undefined>;
  /** Builds it when needed; `refresh` also asks the distribution for newer packages. Atomic; safe to cancel and retry. Errors: kit_build_failed, host_program_missing, disk_full, not_supported. */
  ensure(options: {
    readonly refresh?: boolean;
    readonly onProgress: (progress: Progress) => void;
    readonly signal: AbortSignal;
  }): Promise<Kit>;
}
