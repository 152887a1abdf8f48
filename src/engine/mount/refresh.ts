import type { Mount, Vm } from '../../contract/resources/vm.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { validateMounts } from '../vm/validate.ts';

/** Kept copies of one mount; the oldest beyond these goes, and that is told. */
const keptAtMost = 3;

/** Makes a mount's image from the host directory. What the guest wrote to the old one and nobody pulled is kept aside, and told. */
export async function refreshMount(context: Context, vm: Vm, mount: Mount, reporter: Reporter): Promise<void> {
  await validateMounts(context, [mount]);
  if (mount.mode === 'rw' && (await context.volumes.mountHasWrites(vm.id, mount.tag)))
    await keepWrites(context, vm, mount.tag, reporter);
  await context.volumes.createMountImage({
    vmId: vm.id,
    tag: mount.tag,
    source: mount.source,
    signal: reporter.signal,
  });
}

async function keepWrites(context: Context, vm: Vm, tag: string, reporter: Reporter): Promise<void> {
  const kept = await context.volumes.keepMountImage(vm.id, tag);
  const message = `The guest wrote to mount ${tag} and nobody pulled it: kept as ${kept}. Get it with: vmm mount pull ${vm.name} ${tag} DIR --kept ${kept}`;
  emit(context, 'mount.kept', vm.name, message);
  reporter.onNotice(message);
  const all = await context.volumes.listKept(vm.id, tag);
  for (const old of all.slice(0, Math.max(0, all.length - keptAtMost))) {
    await context.volumes.removeKept(vm.id, tag, old);
    reporter.onNotice(`The oldest kept copy of mount ${tag}, ${old}, was removed: ${keptAtMost} are kept.`);
  }
}
