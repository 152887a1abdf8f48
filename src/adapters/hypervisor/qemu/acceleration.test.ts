import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { kvmHint } from './acceleration.ts';

let directory: string;
const file = (name: string) => join(directory, name);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvm-'));
  await writeFile(file('with'), 'model name\t: X\nflags\t\t: fpu vmx sse\n');
  await writeFile(file('without'), 'model name\t: vmx svm\nflags\t\t: fpu sse vmxnot\n');
  await writeFile(file('kvm'), '');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('kvmHint', () => {
  it('rules KVM out where the cpu shows no virtualization, although the device opens', async () => {
    const hint = await kvmHint({ kvmDevice: file('kvm'), cpuinfo: file('without') });
    assert.match(hint.possible ? '' : hint.reason, /neither vmx nor svm/);
  });

  it('rules KVM out where its device is missing, and says how to get it', async () => {
    const hint = await kvmHint({ kvmDevice: file('none'), cpuinfo: file('with') });
    assert.match(hint.possible ? '' : `${hint.reason} ${hint.hint}`, /is missing .*modprobe/);
  });

  it('rules KVM out where its device does not open', async () => {
    const hint = await kvmHint({ kvmDevice: directory, cpuinfo: file('with') });
    assert.match(hint.possible ? '' : hint.reason, /cannot be opened \(EISDIR\)/);
  });

  it('leaves the proof to a canary otherwise', async () => {
    assert.deepEqual(await kvmHint({ kvmDevice: file('kvm'), cpuinfo: file('with') }), { possible: true });
  });
});
