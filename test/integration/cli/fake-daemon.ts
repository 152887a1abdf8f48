/** A daemon with an imagined engine for the tests of the command line. The ssh access of its VMs stands in `fake.json` of the data directory. */
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmmError } from '../../../src/contract/errors.ts';
import { type Mount, type SshAccess, type Vm, vmSpecSchema } from '../../../src/contract/resources/vm.ts';
import { fakeComposition, fakeVm } from '../../../src/daemon/fake-composition.ts';
import { runDaemon } from '../../../src/daemon/run.ts';

const args = process.argv.slice(2);
const dataDir = args[args.indexOf('--data-dir') + 1] ?? '/nowhere';

export interface Fake {
  readonly access: SshAccess;
  /** Sent by `mount pull`. */
  readonly tarPath: string;
}

const running: Vm['status'] = {
  phase: 'running',
  ready: true,
  engine: 'qemu',
  ip: '172.16.0.2',
  pid: process.pid,
  startedAt: '2026-01-01T00:00:00.000Z',
};

await runDaemon(args, '1.0.0', async () => {
  const engine = fakeComposition({
    'vm.create': async ({ input }, { onProgress, onNotice }) => {
      if (engine.vms().some((vm) => vm.name === input.name)) throw new VmmError('vm_exists', `${input.name} exists.`);
      onProgress({ step: 'disk', message: 'Making the disk' });
      onNotice('The disk was raised to 2048 MiB.');
      const { name, ...spec } = input;
      const vm = { ...fakeVm(name), spec: vmSpecSchema.parse(spec) };
      engine.setVms([...engine.vms(), vm]);
      return { vm, notices: ['The disk was raised to 2048 MiB.'] };
    },
    'vm.start': async ({ params }, { signal, onProgress }) => {
      const vm = find(params.name);
      onProgress({ step: 'boot', message: 'Booting' });
      if (vm.name.startsWith('endless')) {
        await once(signal, 'abort');
        change({ ...vm, spec: { ...vm.spec, labels: { undone: 'yes' } } });
        throw new VmmError('aborted', 'The start was undone.');
      }
      await sleep(50);
      return { vm: change({ ...vm, status: running }), notices: [] };
    },
    'vm.stop': async ({ params }) => change({ ...find(params.name), status: { phase: 'stopped', ready: false } }),
    'vm.delete': async ({ params }) => {
      const gone = find(params.name);
      engine.setVms(engine.vms().filter((vm) => vm !== gone));
      return { notices: [] };
    },
    'vm.inspect': async ({ params }) => find(params.name),
    'vm.set': async ({ params, input }) => {
      const vm = find(params.name);
      return { vm: change({ ...vm, spec: vmSpecSchema.parse({ ...vm.spec, ...input }) }), notices: [] };
    },
    'vm.sshAccess': async ({ params }) => {
      if (find(params.name).status.phase !== 'running')
        throw new VmmError('illegal_state', `${params.name} is stopped.`);
      return readFake().access;
    },
    'vm.logs': async () => Readable.from(['line one\n', 'line two\n']),
    'vm.console': async () => {
      const guest = new PassThrough();
      guest.write('login: ');
      return guest;
    },
    'forward.add': async ({ params, input }) => {
      const vm = find(params.name);
      change({ ...vm, spec: { ...vm.spec, forwards: [...vm.spec.forwards, input] } });
      return input;
    },
    'forward.list': async ({ params }) => find(params.name).spec.forwards,
    'mount.list': async ({ params }) => find(params.name).spec.mounts.map(viewOf),
    'mount.pull': async () => createReadStream(readFake().tarPath),
    'mount.pulled': async ({ params }) => {
      const vm = find(params.name);
      change({ ...vm, spec: { ...vm.spec, labels: { pulled: params.tag } } });
      const mount = vm.spec.mounts.find(({ tag }) => tag === params.tag);
      if (mount === undefined) throw new VmmError('mount_not_found', `There is no mount ${params.tag}.`);
      return viewOf(mount, 0);
    },
  });

  function find(name: string): Vm {
    const found = engine.vms().find((vm) => vm.name === name);
    if (found === undefined) throw new VmmError('vm_not_found', `There is no VM ${name}.`, { hint: 'vmm list' });
    return found;
  }

  function change(next: Vm): Vm {
    engine.setVms(engine.vms().map((vm) => (vm.name === next.name ? next : vm)));
    return next;
  }
  return engine;
});

function readFake(): Fake {
  // Written by the test beside us.
  return JSON.parse(readFileSync(join(dataDir, 'fake.json'), 'utf8')) as Fake;
}

function viewOf({ tag, source, mode, kind }: Mount, index: number) {
  const device = `/dev/vd${String.fromCharCode('b'.charCodeAt(0) + index)}`;
  return { tag, source, mode, kind, device, target: `/mnt/${tag}`, unpulledWrites: mode === 'rw', kept: [] };
}
