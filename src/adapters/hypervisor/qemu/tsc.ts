import { VmmError } from '../../../contract/errors.ts';
import type { BootFiles } from '../../../ports/hypervisor.ts';
import type { QemuDeps } from './deps.ts';
import { runKitGuest } from './kit-guest.ts';

/** A q35 guest boots in 3 to 5 s under emulation; a busy or nested host is ten times slower. */
const canaryTimeoutMs = 60_000;
/** Readings this near each other (0.1 %) are the same clock; the kernel's own quick calibration promises 0.05 %. */
const tolerance = 1e-3;

export interface TscReading {
  readonly khz: number;
  /** One clause for people. */
  readonly evidence: string;
}

/**
 * The frequency of the clock that emulated guests see, which is the host's own. A q35 guest can time it where a microvm
 * cannot; what it says counts only when the host's kernel or a second guest agrees, since a wrong value makes every
 * guest's clock drift. Undefined when it cannot be learnt. Errors: aborted.
 */
export async function learnTsc(
  deps: QemuDeps,
  boot: BootFiles,
  cwd: string,
  signal: AbortSignal,
): Promise<TscReading | undefined> {
  const [host, first] = await Promise.all([hostKhz(deps, signal), canaryKhz(deps, boot, cwd, signal)]);
  if (first === undefined) return undefined;
  if (host !== undefined && agree(host, first)) {
    return { khz: host, evidence: `a guest measured ${first} kHz and the host's kernel ${host} kHz` };
  }
  const second = await canaryKhz(deps, boot, cwd, signal);
  if (second === undefined || !agree(first, second)) return undefined;
  return { khz: Math.round((first + second) / 2), evidence: `two guests measured ${first} and ${second} kHz` };
}

function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(a, b);
}

async function canaryKhz(
  deps: QemuDeps,
  boot: BootFiles,
  cwd: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const choice = { machine: 'q35', acceleration: 'tcg' } as const;
    const guest = { role: 'canary', choice, boot, devices: [], quiet: false, cwd, timeoutMs: canaryTimeoutMs } as const;
    const { stdout } = await runKitGuest(deps, { ...guest, signal });
    return tscKhzOf(stdout);
  } catch (error) {
    if (error instanceof VmmError && error.code === 'aborted') throw error;
    return undefined;
  }
}

/** The host's kernel has timed it at its own boot; the message may have left the log, or be denied to us. */
async function hostKhz(deps: QemuDeps, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { stdout } = await deps.runner.run({ program: 'dmesg', args: [], timeoutMs: 5_000, signal });
    return tscKhzOf(stdout);
  } catch (error) {
    if (error instanceof VmmError && error.code === 'aborted') throw error;
    return undefined;
  }
}

/** The best of the kernel's messages (arch/x86/kernel/tsc.c), in kHz. "MHz TSC" is printed where it differs from the cpu's. */
export function tscKhzOf(kernelLog: string): number | undefined {
  const found =
    /tsc: Refined TSC clocksource calibration: (\d+\.\d{3}) MHz/.exec(kernelLog) ??
    /tsc: Detected (\d+\.\d{3}) MHz TSC/.exec(kernelLog) ??
    /tsc: Detected (\d+\.\d{3}) MHz processor/.exec(kernelLog);
  return found?.[1] === undefined ? undefined : Math.round(Number(found[1]) * 1000);
}
