import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  consoleArguments,
  driveArguments,
  type GuestArguments,
  guestArguments,
  nicArguments,
  optionValue,
  shareArguments,
} from './argv.ts';

const guest: GuestArguments = {
  choice: { machine: 'microvm', acceleration: 'tcg', tscKhz: 2_600_000 },
  name: 'web1',
  cpus: 2,
  memoryMiB: 512,
  boot: { vmlinuxPath: '/k/vmlinux', vmlinuzPath: '/k/vmlinuz', initramfsPath: '/k/initramfs', digest: 'd' },
  kernelArgs: ['vmm.role=vm'],
  quiet: true,
  sharedMemory: false,
  uid: undefined,
};
const optionOf = (args: readonly string[], option: string) => args[args.indexOf(option) + 1];

describe('guestArguments', () => {
  it('tells an emulated microvm the frequency of its clock', () => {
    assert.match(optionOf(guestArguments(guest), '-append') ?? '', / tsc_early_khz=2600000 .*vmm\.role=vm$/);
  });

  it('keeps the mitigations where the guest runs on the real cpu', () => {
    const args = guestArguments({ ...guest, choice: { machine: 'microvm', acceleration: 'kvm' } });
    assert.doesNotMatch(optionOf(args, '-append') ?? '', /mitigations|tsc/);
    assert.equal(optionOf(args, '-cpu'), 'host');
  });

  it('gives no frequency to a q35, which measures it', () => {
    const args = guestArguments({ ...guest, choice: { machine: 'q35', acceleration: 'tcg' } });
    assert.doesNotMatch(optionOf(args, '-append') ?? '', /tsc_early_khz/);
    assert.equal(optionOf(args, '-machine'), 'q35');
  });

  it('shares the memory only when somebody must map it', () => {
    assert.equal(guestArguments(guest).includes('-object'), false);
    const args = guestArguments({ ...guest, sharedMemory: true });
    assert.equal(optionOf(args, '-machine'), 'microvm,acpi=on,memory-backend=mem');
    assert.equal(optionOf(args, '-object'), 'memory-backend-memfd,id=mem,size=512M,share=on');
  });

  it('drops to a user of its own, or forbids any change of user', () => {
    assert.match(optionOf(guestArguments(guest), '-sandbox') ?? '', /elevateprivileges=deny/);
    const args = guestArguments({ ...guest, uid: 1_900_000_000 });
    assert.equal(optionOf(args, '-runas'), '1900000000:1900000000');
    assert.doesNotMatch(optionOf(args, '-sandbox') ?? '', /elevateprivileges/);
  });
});

describe('device arguments', () => {
  it('carry paths with commas and quotes whole', () => {
    const [, node] = driveArguments(guest.choice, { id: 'd0', path: '/a,b "c"', readOnly: true });
    assert.deepEqual(JSON.parse(node ?? ''), {
      driver: 'raw',
      'node-name': 'd0-node',
      'read-only': true,
      discard: 'unmap',
      file: { driver: 'file', filename: '/a,b "c"', discard: 'unmap' },
    });
    assert.equal(optionValue('/a,b'), '/a,,b');
    assert.match(consoleArguments('/logs/a,b.log')[1] ?? '', /logfile=\/logs\/a,,b\.log,logappend=on$/);
  });

  it('use the bus of the machine', () => {
    const nic = { tap: 'vmm-1', mac: '52:54:00:00:00:01', mtu: 1450 };
    assert.equal(
      nicArguments(guest.choice, nic)[3],
      'virtio-net-device,netdev=net0,mac=52:54:00:00:00:01,host_mtu=1450',
    );
    const q35 = { machine: 'q35', acceleration: 'tcg' } as const;
    assert.match(nicArguments(q35, nic)[3] ?? '', /^virtio-net-pci,/);
    assert.equal(shareArguments(q35, 1, 'code')[3], 'vhost-user-fs-pci,chardev=fs1,tag=code');
  });
});
