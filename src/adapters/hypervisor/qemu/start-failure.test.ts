import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startFailure } from './start-failure.ts';

const cases: readonly (readonly [said: string, code: string, message: RegExp])[] = [
  [
    'qemu-system-x86_64: -netdev tap,id=net0: could not open /dev/net/tun: No such file or directory',
    'host_device_missing',
    /tun cannot be opened: No such file/,
  ],
  [
    'qemu-system-x86_64: could not configure /dev/net/tun (vmm-1): Device or resource busy',
    'network_failed',
    /tap vmm-1 cannot be used: Device or resource busy/,
  ],
  [
    "qemu-system-x86_64: cannot set up guest memory 'microvm.ram': Cannot allocate memory",
    'too_few_resources',
    /memory/,
  ],
  ['Failed to get "write" lock\nIs another process using the image [/d.img]?', 'engine_failed', /holds a disk/],
  [
    "-blockdev {}: Could not open '/d.img': No such file or directory",
    'engine_failed',
    /cannot open \/d\.img: No such/,
  ],
  ["qemu: could not open kernel file '/k': No such file or directory", 'engine_failed', /load the kernel/],
  ['Could not access KVM kernel module: Permission denied', 'host_device_missing', /\/dev\/kvm/],
];

describe('startFailure', () => {
  for (const [said, code, message] of cases) {
    it(`knows ${JSON.stringify(said.slice(0, 60))}`, () => {
      const error = startFailure('web1', said);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.equal(error.detail, said);
      assert.notEqual(error.hint, undefined);
    });
  }

  it('hands on what it does not know', () => {
    const error = startFailure('web1', 'something new\n');
    assert.equal(error.code, 'engine_failed');
    assert.equal(error.detail, 'something new');
  });
});
