import type { GuestRole } from '../../../domain/guest-protocol.ts';
import type { CommandResult } from '../../../ports/command-runner.ts';
import type { BootFiles } from '../../../ports/hypervisor.ts';
import { guestArguments, type MachineChoice, qemuProgram } from './argv.ts';
import type { QemuDeps } from './deps.ts';
import { guestUid } from './guest-uid.ts';

const memoryMiB = 256;

export interface KitGuest {
  readonly role: Exclude<GuestRole, 'vm'>;
  readonly choice: MachineChoice;
  readonly boot: BootFiles;
  readonly devices: readonly string[];
  readonly quiet: boolean;
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Runs a throw-away guest of the kit to its end; its console is the result's stdout. It is a child of ours and dies with
 * us (PR_SET_PDEATHSIG, by setpriv of util-linux), so that nothing is left whatever happens to the daemon.
 */
export function runKitGuest(deps: QemuDeps, guest: KitGuest): Promise<CommandResult> {
  return deps.runner.run({
    program: 'setpriv',
    args: [
      '--pdeathsig=KILL',
      '--',
      qemuProgram,
      ...guestArguments({
        choice: guest.choice,
        name: `vmm-${guest.role}`,
        cpus: 1,
        memoryMiB,
        boot: guest.boot,
        kernelArgs: [`vmm.role=${guest.role}`],
        quiet: guest.quiet,
        sharedMemory: false,
        uid: guestUid(guest.cwd),
      }),
      ...guest.devices,
      '-chardev',
      'stdio,id=console,signal=off',
      '-serial',
      'chardev:console',
    ],
    cwd: guest.cwd,
    // Where QEMU keeps the throw-away overlay of a drive.
    env: { TMPDIR: guest.cwd },
    timeoutMs: guest.timeoutMs,
    signal: guest.signal,
  });
}
