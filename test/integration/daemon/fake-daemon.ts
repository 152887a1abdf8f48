/** A daemon with a fake engine, as a process of its own. How it behaves stands in `fake.json` of the data directory. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VmmError } from '../../../src/contract/errors.ts';
import { fakeComposition, fakeVm } from '../../../src/daemon/fake-composition.ts';
import { runDaemon } from '../../../src/daemon/run.ts';

const args = process.argv.slice(2);
const dataDir = args[args.indexOf('--data-dir') + 1] ?? '/nowhere';

interface Fake {
  readonly version?: string;
  readonly composeMs?: number;
  readonly fail?: 'error' | 'crash';
}

function readFake(): Fake {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'fake.json'), 'utf8')) as Fake;
  } catch {
    return {};
  }
}

const fake = readFake();

await runDaemon(args, fake.version ?? '1.0.0', async () => {
  if (fake.fail === 'error') {
    throw new VmmError('subnet_conflict', 'The subnet is taken.', { hint: 'vmm config set subnet …' });
  }
  if (fake.fail === 'crash') throw new TypeError('undefined is not a function');
  await sleep(fake.composeMs ?? 0);
  const engine = fakeComposition({
    'vm.start': async ({ params }, { signal, onProgress }) => {
      onProgress({ step: 'boot', message: 'booting' });
      if (params.name === 'endless') {
        await once(signal, 'abort');
        await sleep(50);
        writeFileSync(join(dataDir, 'undone'), '');
        throw new VmmError('aborted', 'The start was cancelled.');
      }
      await sleep(300);
      const vm = fakeVm(params.name, { phase: 'running', pid: process.pid });
      engine.setVms([...engine.vms(), vm]);
      return { vm, notices: [] };
    },
    'vm.delete': async ({ params }) => {
      engine.setVms(engine.vms().filter((vm) => vm.name !== params.name));
      return { notices: [] };
    },
    'vm.inspect': async () => {
      // Out of any promise, as a fault in an event listener would be.
      setImmediate(() => {
        throw new Error('a fault of ours');
      });
      return fakeVm('a');
    },
  });
  return engine;
});
