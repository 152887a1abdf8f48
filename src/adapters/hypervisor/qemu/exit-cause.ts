import type { VmExit } from '../../../ports/hypervisor.ts';

/** All that is known about how a VM ended. */
export interface ExitEvidence {
  /** QEMU's SHUTDOWN event (`ShutdownCause` in QEMU's qapi/run-state.json), when one was seen. */
  readonly shutdownReason: string | undefined;
  /** What vmm itself asked for in this run. */
  readonly asked: 'power-down' | 'kill' | undefined;
  /** We listened to QEMU until its end, so that a missing event means that there was none. */
  readonly watched: boolean;
  /** The end of the console, of this run alone. */
  readonly consoleTail: string;
  /** The end of what QEMU said on stderr. */
  readonly engineTail: string;
}

const panicLine = /Kernel panic - not syncing.*/;
/** Messages of QEMU's own death: failed assertions, glib's fatal errors, a guest cpu in an impossible state. */
const crashLine = /^.*(assertion|assert\b|fatal|abort|hw error|KVM internal error|emulation failure).*$/im;

export function exitCauseOf(evidence: ExitEvidence): VmExit {
  const panic = panicLine.exec(evidence.consoleTail)?.[0].trim();
  switch (evidence.shutdownReason) {
    case 'guest-panic':
      return { cause: 'guest-panic', ...detailed(panic) };
    case 'guest-reset':
    case 'subsystem-reset':
      // A panicked kernel reboots at once (panic=-1), and -no-reboot makes that an end.
      if (panic !== undefined) return { cause: 'guest-panic', detail: panic };
      return { cause: evidence.asked === undefined ? 'guest-reboot' : 'stopped' };
    case 'guest-shutdown':
      return { cause: evidence.asked === undefined ? 'guest-poweroff' : 'stopped' };
    case 'host-qmp-quit':
    case 'host-signal':
    case 'host-ui':
      if (evidence.asked === 'kill') return { cause: 'stopped' };
      return { cause: 'killed', ...detailed(lastLine(evidence.engineTail)) };
    case 'host-error':
      return { cause: 'crashed', ...detailed(lastLine(evidence.engineTail)) };
    default:
      return withoutEvent(evidence, panic);
  }
}

function withoutEvent(evidence: ExitEvidence, panic: string | undefined): VmExit {
  if (evidence.asked === 'kill') return { cause: 'stopped' };
  const crash = crashLine.exec(evidence.engineTail)?.[0].trim();
  if (crash !== undefined) return { cause: 'crashed', detail: crash };
  if (!evidence.watched) return fromConsole(evidence.consoleTail, panic);
  return {
    cause: 'killed',
    detail: 'The QEMU process ended without a word: it was killed from outside, or by the kernel for want of memory.',
  };
}

/** The kernel's last words (kernel/reboot.c) are all that is left when nobody watched. */
function fromConsole(consoleTail: string, panic: string | undefined): VmExit {
  const detail = 'It ended while nobody watched; the cause was read from its console.';
  if (panic !== undefined) return { cause: 'guest-panic', detail: panic };
  const lastLines = consoleTail.trimEnd().split('\n').slice(-5).join('\n');
  if (/reboot: (Power down|System halted)/.test(lastLines)) return { cause: 'guest-poweroff', detail };
  if (/reboot: Restarting system/.test(lastLines)) return { cause: 'guest-reboot', detail };
  return { cause: 'unknown', detail: 'It ended while nobody watched.' };
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1)?.trim();
}

function detailed(detail: string | undefined): { detail?: string } {
  return detail === undefined || detail === '' ? {} : { detail };
}
