import { VmmError } from '../../contract/errors.ts';
import type { MountView } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import { type Context, emit, type Reporter } from '../context.ts';
import { findVm } from '../vm/find.ts';
import { refreshMount } from './refresh.ts';
import { findMount, viewMount } from './views.ts';

/** Makes a mount's image anew from the host directory. The VM must be stopped. */
export async function syncMount(
  context: Context,
  name: string,
  tag: string,
  reporter: Reporter,
): Promise<{ mount: MountView; notices: string[] }> {
  const found = findVm(context, name);
  await using _lock = await context.locks.take(found.vm.id, name, 'sync a mount of');
  const { vm } = findVm(context, name);
  const mount = findMount(vm, tag);
  if (mount.kind === 'live') {
    throw new VmmError('not_supported', `Mount ${tag} is live: the guest sees the host directory itself.`, {
      hint: 'There is nothing to sync',
    });
  }
  assertMay('syncMount', vm);
  reporter.onProgress({ step: 'mounts', message: `Copying ${mount.source} to mount ${tag}` });
  const notices: string[] = [];
  await refreshMount(context, vm, mount, { ...reporter, onNotice: (notice) => notices.push(notice) });
  emit(context, 'mount.synced', name, `Mount ${tag} of ${name} was copied from ${mount.source}.`);
  return { mount: await viewMount(context, vm, mount), notices };
}
