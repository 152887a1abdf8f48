import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { vmSpecSchema } from '../contract/resources/vm.ts';
import { assertFits, raiseDisk } from './resources.ts';

describe('a disk', () => {
  it('stays as it was asked for when the image fits', () => {
    assert.deepEqual(raiseDisk(1024, 512 * 2 ** 20), { diskMiB: 1024, notice: undefined });
    assert.deepEqual(raiseDisk(512, 512 * 2 ** 20), { diskMiB: 512, notice: undefined });
  });

  it('is raised to the image, rounded up to a whole MiB, and that is told', () => {
    const { diskMiB, notice } = raiseDisk(512, 512 * 2 ** 20 + 1);
    assert.equal(diskMiB, 513);
    assert.match(notice ?? '', /from 512 to 513 MiB/);
  });
});

describe('cpus and memory', () => {
  const host = { cpus: 4, memoryMiB: 8192, maxCpus: 64 };

  it('fit up to what the host and the engine have; more cpus than the host has are the owner’s choice', () => {
    assertFits({ cpus: 64, memoryMiB: 8192 }, host);
  });

  it('beyond it are refused with a value that would do', () => {
    assert.throws(() => assertFits({ cpus: 65, memoryMiB: 512 }, host), {
      code: 'too_few_resources',
      hint: '--cpus 4',
    });
    assert.throws(() => assertFits({ cpus: 1, memoryMiB: 8193 }, host), {
      code: 'too_few_resources',
      hint: '--memory 4096',
    });
  });

  it('of 0 or 1,000 cpus are no specification at all', () => {
    for (const cpus of [0, 1000, 1.5, -1]) assert.equal(vmSpecSchema.safeParse({ cpus }).success, false, String(cpus));
    assert.equal(vmSpecSchema.safeParse({ memoryMiB: 63 }).success, false);
  });
});
