import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VmmError } from '../../../contract/errors.ts';
import { layout } from '../../../domain/layout.ts';
import type { Command, CommandRunner } from '../../../ports/command-runner.ts';
import type { HostFiles } from './acceleration.ts';
import { createQemu } from './create-qemu.ts';
import type { QemuDeps } from './deps.ts';
import { tscKhzOf } from './tsc.ts';

const boot = { vmlinuxPath: '/k/vmlinux', vmlinuzPath: '/k/vmlinuz', initramfsPath: '/k/initramfs', digest: 'kit-1' };
const signal = new AbortController().signal;
const detected = (mhz: string) => `[    0.000000] tsc: Detected ${mhz} MHz processor\r\nvmm-canary-ok\r\n`;

let directory: string;
let files: HostFiles;
/** What each program prints; a thrown error is its failure. Canaries are `kvm`, `microvm` and `q35`, these taken one after another. */
let host: { kvm: () => string; microvm: () => string; q35: (() => string)[]; dmesg: () => string };
let canaries: string[];
let bootId: string;

const failing = (code: 'command_failed' | 'command_timeout', detail?: string) => () => {
  throw new VmmError(code, 'qemu failed', detail === undefined ? {} : { detail });
};

function answer(command: Command): string {
  if (command.program === 'dmesg') return host.dmesg();
  if (command.args.includes('--version')) return 'QEMU emulator version 7.2.22 (Debian)\nCopyright';
  const emulated = command.args.some((argument) => argument.startsWith('microvm')) ? 'microvm' : 'q35';
  const kind = command.args.includes('kvm') ? 'kvm' : emulated;
  canaries.push(kind);
  const canary = kind === 'q35' ? host.q35.shift() : host[kind];
  return canary?.() ?? '';
}

function qemu() {
  const runner: CommandRunner = {
    run: async (command) => ({ exitCode: 0, stdout: answer(command), stderr: '' }),
    stream: () => assert.fail('nothing is streamed'),
    startDetached: () => assert.fail('nothing is started'),
    which: async () => undefined,
  };
  const unused = () => assert.fail('no process is touched');
  const processes = { identify: unused, isAlive: unused, kill: unused, terminate: unused, bootId: async () => bootId };
  const clock = { now: () => new Date(0), sleep: unused };
  const deps: QemuDeps = { runner, processes, clock, layout: layout(directory) };
  return createQemu(deps, files);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'decide-'));
  files = { kvmDevice: join(directory, 'kvm'), cpuinfo: join(directory, 'cpuinfo') };
  await writeFile(files.kvmDevice, '');
  await writeFile(files.cpuinfo, 'flags : svm\n');
  host = { kvm: () => 'vmm-canary-ok\n', microvm: () => 'vmm-canary-ok\n', q35: [], dmesg: () => '' };
  canaries = [];
  bootId = 'boot-1';
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('the choice of acceleration', () => {
  it('is KVM when a canary guest has booted under it', async () => {
    const report = await qemu().probe({ boot, canary: true, signal });
    assert.equal(report.acceleration, 'kvm');
    assert.match(report.reason, /a canary guest booted under KVM/);
    assert.deepEqual(canaries, ['kvm']);
  });

  it('is emulation when KVM opens but its guest never comes, and says so', async () => {
    host.kvm = failing('command_timeout');
    host.q35 = [() => detected('2600.002')];
    host.dmesg = () => '[    0.000052] tsc: Detected 2599.998 MHz processor\n';
    const report = await qemu().probe({ boot, canary: true, signal });
    assert.equal(report.acceleration, 'tcg');
    assert.match(report.reason, /did not boot under KVM \(it did not end within 60 s\).*2600002 kHz.*2599998 kHz/);
    assert.deepEqual(canaries, ['kvm', 'q35', 'microvm']);
  });

  it('asks a second guest where the host’s kernel says nothing or something else', async () => {
    await writeFile(files.cpuinfo, 'flags : fpu\n');
    host.q35 = [() => detected('2600.000'), () => detected('2600.100')];
    host.dmesg = () => '[    0.000052] tsc: Detected 1800.000 MHz processor\n';
    assert.match((await qemu().probe({ boot, canary: true, signal })).reason, /two guests measured/);
  });

  it('falls back to a machine that times its own clock when two readings disagree', async () => {
    await writeFile(files.cpuinfo, 'flags : fpu\n');
    host.q35 = [() => detected('2600.000'), () => detected('2900.000')];
    const report = await qemu().probe({ boot, canary: true, signal });
    assert.match(report.reason, /on a q35 machine, since .* could not be learnt/);
    assert.equal(report.available, true);
  });

  it('falls back likewise when an emulated microvm does not boot, and says so', async () => {
    await writeFile(files.cpuinfo, 'flags : fpu\n');
    host.q35 = [() => detected('2600.000'), () => detected('2600.000')];
    host.microvm = failing('command_timeout');
    const { reason } = await qemu().probe({ boot, canary: true, signal });
    assert.match(
      reason,
      /on a q35 machine, since .* did not boot on an emulated microvm \(it did not end within 30 s\)/,
    );
  });

  it('falls back likewise when the canary prints nothing', async () => {
    await writeFile(files.cpuinfo, 'flags : fpu\n');
    host.q35 = [failing('command_timeout')];
    assert.match((await qemu().probe({ boot, canary: true, signal })).reason, /q35/);
  });

  it('is kept for this boot of the host and this kit, and asked anew after either changes', async () => {
    await qemu().probe({ boot, canary: true, signal });
    await qemu().probe({ boot, canary: true, signal });
    assert.equal(canaries.length, 1);
    await qemu().probe({ boot: { ...boot, digest: 'kit-2' }, canary: true, signal });
    assert.equal(canaries.length, 2);
    bootId = 'boot-2';
    await qemu().probe({ boot: { ...boot, digest: 'kit-2' }, canary: true, signal });
    assert.equal(canaries.length, 3);
  });

  it('is asked once by many at the same time', async () => {
    const engine = qemu();
    await Promise.all(Array.from({ length: 8 }, () => engine.probe({ boot, canary: true, signal })));
    assert.equal(canaries.length, 1);
  });

  it('boots nothing without leave', async () => {
    const report = await qemu().probe({ boot, canary: false, signal });
    assert.deepEqual([report.acceleration, canaries], ['kvm', []]);
    assert.match(report.reason, /the first start will prove it/);
  });
});

describe('tscKhzOf', () => {
  it('prefers the kernel’s refined calibration', () => {
    const log = 'tsc: Detected 2600.019 MHz processor\ntsc: Refined TSC clocksource calibration: 2599.972 MHz\n';
    assert.equal(tscKhzOf(log), 2_599_972);
    assert.equal(tscKhzOf('tsc: Detected 2600.000 MHz processor\ntsc: Detected 2592.000 MHz TSC'), 2_592_000);
    assert.equal(tscKhzOf('tsc: Unable to calibrate against PIT'), undefined);
  });
});
