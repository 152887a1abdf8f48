import { randomBytes } from 'node:crypto';
import { VmmError } from '../../contract/errors.ts';
import type { ParsedInput } from '../../contract/operations.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { vmSpecSchema } from '../../contract/resources/vm.ts';
import { assertName } from '../../domain/names.ts';
import { raiseDisk } from '../../domain/resources.ts';
import type { VmDisk } from '../../ports/volume-store.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { claims } from '../locks.ts';
import { runSaga } from '../saga/run.ts';
import type { UndoTable } from '../saga/undo.ts';
import { validateSpec } from './validate.ts';

type Step = 'disk' | 'record';

export const createUndo: UndoTable<Step> = {
  disk: async (context, data) => context.volumes.removeVm(String(data)),
  record: async (context, data) => context.store.deleteVm(String(data)),
};

/** Records a VM and makes its disk. It is not started, and costs no copy of the image. */
export async function createVm(
  context: Context,
  input: ParsedInput<'vm.create'>,
  reporter: Reporter,
): Promise<{ vm: Vm; notices: string[] }> {
  const { name, ...wanted } = input;
  assertName('VM', name);
  await using _claims = await context.locks.wait(claims, 'create');
  assertNewName(context, name);
  const asked = vmSpecSchema.parse(wanted);
  const image = context.store.findImage(asked.image);
  if (image === undefined) {
    throw new VmmError('image_not_found', `There is no image named ${asked.image}.`, {
      hint:
        asked.image === 'debian' || asked.image === 'tiny'
          ? `sudo vmm image pull ${asked.image}`
          : 'See them all: vmm image list',
    });
  }
  await validateSpec(context, asked, undefined);
  reporter.signal.throwIfAborted();

  const { diskMiB, notice } = raiseDisk(asked.diskMiB, image.sizeBytes);
  const id = randomBytes(8).toString('hex');
  const hostKey = await context.channel.generateKeyPair(`vmm-${name}`);
  const vm: Vm = {
    id,
    name,
    createdAt: context.clock.now().toISOString(),
    spec: { ...asked, diskMiB },
    status: { phase: 'stopped', ready: false, ...(asked.ip === undefined ? {} : { ip: asked.ip }) },
  };
  let disk: VmDisk | undefined;
  await runSaga(context, { name: 'vm.create', subject: name, undo: createUndo }, [
    {
      step: 'disk',
      data: id,
      act: async () => {
        reporter.onProgress({ step: 'disk', message: 'Making the disk' });
        disk = await context.volumes.createDisk({
          vmId: id,
          basePath: context.images.basePath(image.digest),
          sizeBytes: diskMiB * 2 ** 20,
          signal: reporter.signal,
        });
      },
    },
    {
      step: 'record',
      data: id,
      act: async () => {
        reporter.signal.throwIfAborted();
        if (disk === undefined) throw new VmmError('internal', 'The disk step left no disk.');
        context.store.insertVm({
          vm,
          machineId: randomBytes(16).toString('hex'),
          hostPrivateKey: hostKey.privateKey,
          hostPublicKey: hostKey.publicKey,
          disk,
          baseDigest: image.digest,
          imageConfig: image.config,
          record: undefined,
          stoppedByUser: false,
        });
      },
    },
  ]);
  emit(context, 'vm.created', name, `VM ${name} was created from ${image.name}.`);
  if (notice !== undefined) reporter.onNotice(notice);
  return { vm, notices: notice === undefined ? [] : [notice] };
}

function assertNewName(context: Context, name: string): void {
  if (context.store.findVm(name) === undefined) return;
  throw new VmmError('vm_exists', `A VM named ${name} exists already.`, {
    hint: `vmm start ${name}, or vmm delete ${name} first`,
  });
}
