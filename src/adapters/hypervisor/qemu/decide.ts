import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VmmError } from '../../../contract/errors.ts';
import { canaryMark } from '../../../domain/guest-protocol.ts';
import type { BootFiles } from '../../../ports/hypervisor.ts';
import { type HostFiles, type KvmHint, kvmHint } from './acceleration.ts';
import { type MachineChoice, qemuProgram } from './argv.ts';
import type { QemuDeps } from './deps.ts';
import { runKitGuest } from './kit-guest.ts';
import { learnTsc } from './tsc.ts';
import { readVerdict, type Verdict, type VerdictKey, writeVerdict } from './verdict.ts';

/** Real hardware answers in 2 s. A host that is itself a guest takes a quarter of a minute, a hopeless one for ever. */
const kvmCanaryTimeoutMs = 60_000;
/** An emulated microvm is there in 2 s, or never: QEMU 8.2 (Ubuntu 24.04) gives kernel 6.8 no timer interrupt on it. */
const emulatedCanaryTimeoutMs = 30_000;

/** `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)` → `7.2.22 (Debian …)`. Errors: host_program_missing. */
export async function qemuVersion(deps: QemuDeps, signal: AbortSignal): Promise<string> {
  const { stdout } = await deps.runner.run({ program: qemuProgram, args: ['--version'], timeoutMs: 10_000, signal });
  return /version ([^\n]+)/.exec(stdout)?.[1]?.trim() ?? 'unknown';
}

export async function cachedVerdict(
  deps: QemuDeps,
  version: string,
  boot: BootFiles | undefined,
): Promise<Verdict | undefined> {
  return readVerdict(deps, { bootId: await deps.processes.bootId(), version, kitDigest: boot?.digest });
}

/** How guests are run here: from the cache, else by canary guests, whose verdict is then kept. Errors: aborted. */
export async function decide(
  deps: QemuDeps,
  files: HostFiles,
  { version, boot, signal }: { readonly version: string; readonly boot: BootFiles; readonly signal: AbortSignal },
): Promise<Verdict> {
  const cached = await cachedVerdict(deps, version, boot);
  if (cached !== undefined) return cached;
  const key: VerdictKey = { bootId: await deps.processes.bootId(), version, kitDigest: boot.digest };
  await mkdir(deps.layout.tmp, { recursive: true });
  const cwd = await mkdtemp(join(deps.layout.tmp, 'canary-'));
  try {
    const verdict = await askCanaries(deps, key, await kvmHint(files), { boot, cwd, signal });
    await writeVerdict(deps, verdict);
    return verdict;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

interface Canary {
  readonly boot: BootFiles;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

async function askCanaries(deps: QemuDeps, key: VerdictKey, hint: KvmHint, canary: Canary): Promise<Verdict> {
  const kvm: KvmFinding = hint.possible ? await kvmCanary(deps, canary) : { works: false, ...hint };
  if (kvm.works) {
    return { ...key, choice: { machine: 'microvm', acceleration: 'kvm' }, reason: kvm.reason };
  }
  const tsc = await learnTsc(deps, canary.boot, canary.cwd, canary.signal);
  const advice = kvm.hint === undefined ? {} : { hint: kvm.hint };
  if (tsc === undefined) {
    return {
      ...key,
      choice: { machine: 'q35', acceleration: 'tcg' },
      reason: `emulation on a q35 machine, since ${kvm.reason} and the clock's frequency could not be learnt`,
      ...advice,
    };
  }
  const choice = { machine: 'microvm', acceleration: 'tcg', tscKhz: tsc.khz } as const;
  const microvm = await tryCanary(deps, choice, 'on an emulated microvm', emulatedCanaryTimeoutMs, canary);
  if (!microvm.works) {
    return {
      ...key,
      choice: { machine: 'q35', acceleration: 'tcg' },
      reason: `emulation on a q35 machine, since ${kvm.reason}, and ${microvm.reason}`,
      ...advice,
    };
  }
  return { ...key, choice, reason: `emulation, since ${kvm.reason}; clock: ${tsc.evidence}`, ...advice };
}

interface Finding {
  readonly works: boolean;
  readonly reason: string;
}

interface KvmFinding extends Finding {
  readonly hint?: string;
}

async function kvmCanary(deps: QemuDeps, canary: Canary): Promise<KvmFinding> {
  const begin = performance.now();
  const choice = { machine: 'microvm', acceleration: 'kvm' } as const;
  const finding = await tryCanary(deps, choice, 'under KVM', kvmCanaryTimeoutMs, canary);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  if (finding.works) return { works: true, reason: `a canary guest booted under KVM in ${seconds} s` };
  return finding;
}

/** Boots the kit's guest up to its init, with the devices left out. Errors: aborted. */
async function tryCanary(
  deps: QemuDeps,
  choice: MachineChoice,
  where: string,
  timeoutMs: number,
  canary: Canary,
): Promise<Finding> {
  try {
    const guest = { role: 'canary', choice, devices: [], quiet: true, timeoutMs, ...canary } as const;
    const { stdout } = await runKitGuest(deps, guest);
    if (stdout.includes(canaryMark)) return { works: true, reason: `a canary guest booted ${where}` };
    return { works: false, reason: `a canary guest ${where} ended before its init` };
  } catch (error) {
    if (error instanceof VmmError && error.code === 'aborted') throw error;
    return { works: false, reason: `a canary guest did not boot ${where} (${whyNot(error, timeoutMs)})` };
  }
}

function whyNot(error: unknown, timeoutMs: number): string {
  if (!(error instanceof VmmError)) return String(error);
  if (error.code === 'command_timeout') return `it did not end within ${timeoutMs / 1000} s`;
  return error.detail?.split('\n').at(-1) ?? error.message;
}
