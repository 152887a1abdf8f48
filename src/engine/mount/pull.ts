import { PassThrough, pipeline, type Readable } from 'node:stream';
import { VmmError } from '../../contract/errors.ts';
import type { MountView } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import { type Context, emit } from '../context.ts';
import { findVm } from '../vm/find.ts';
import { findMount, viewMount } from './views.ts';

/**
 * The tree of a mount's image as tar, read inside a throw-away guest: neither the host's kernel nor a privileged program
 * parses what a guest wrote. The VM stays locked, and so stopped, until the stream has ended.
 */
export async function pullMount(
  context: Context,
  name: string,
  tag: string,
  kept: string | undefined,
  signal: AbortSignal,
): Promise<Readable> {
  const found = findVm(context, name);
  const lock = await context.locks.take(found.vm.id, name, 'pull a mount of');
  try {
    const { vm } = findVm(context, name);
    const path = await imageToPull(context, name, tag, kept);
    if (kept === undefined) assertMay('pullMount', vm);
    const { tar, done } = await context.mountReader.readTree(path, signal);
    // Bytes that arrived are not a whole tree: the stream ends well only when the reader did.
    const out = new PassThrough({ final: (callback) => void done.then(() => callback(), callback) });
    pipeline(tar, out, () => undefined);
    out.once('close', () => void done.catch(() => undefined).finally(() => lock[Symbol.asyncDispose]()));
    return out;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function imageToPull(context: Context, name: string, tag: string, kept: string | undefined): Promise<string> {
  const { vm } = findVm(context, name);
  const mount = findMount(vm, tag);
  if (mount.kind === 'live') {
    throw new VmmError('not_supported', `Mount ${tag} is live: what the guest writes is on the host at once.`, {
      hint: `See ${mount.source}`,
    });
  }
  if (kept === undefined) return context.volumes.mountImagePath(vm.id, tag);
  await assertKept(context, vm.id, tag, kept);
  return context.volumes.keptPath(vm.id, tag, kept);
}

async function assertKept(context: Context, vmId: string, tag: string, kept: string): Promise<void> {
  const all = await context.volumes.listKept(vmId, tag);
  if (all.includes(kept)) return;
  throw new VmmError('mount_not_found', `Mount ${tag} has no kept copy ${kept}.`, {
    hint: all.length > 0 ? `Kept are: ${all.join(', ')}` : 'No copy is kept',
  });
}

/** Notes that the guest's writes are on the host: a kept copy goes, the present image counts as pulled. */
export async function notePulled(
  context: Context,
  name: string,
  tag: string,
  kept: string | undefined,
): Promise<MountView> {
  const found = findVm(context, name);
  await using _lock = await context.locks.wait(found.vm.id, 'note a pull of');
  const { vm } = findVm(context, name);
  const mount = findMount(vm, tag);
  if (kept === undefined) {
    await context.volumes.markPulled(vm.id, tag);
  } else {
    await assertKept(context, vm.id, tag, kept);
    await context.volumes.removeKept(vm.id, tag, kept);
  }
  emit(context, 'mount.pulled', name, `The guest's writes to mount ${tag} of ${name} were pulled.`);
  return viewMount(context, vm, mount);
}
