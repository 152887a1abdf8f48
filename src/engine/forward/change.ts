import { VmmError } from '../../contract/errors.ts';
import type { ParsedQuery } from '../../contract/operations.ts';
import type { Forward } from '../../contract/resources/vm.ts';
import { showForward } from '../../domain/forwards.ts';
import { type Context, emit } from '../context.ts';
import { claims } from '../locks.ts';
import { changeSpecLocked } from '../vm/change-spec.ts';
import { findVm } from '../vm/find.ts';
import { memberOf } from '../vm/start-steps.ts';

/** Adds a forward: at once when the VM runs, and at every start from now on. */
export async function addForward(
  context: Context,
  name: string,
  forward: Forward,
  signal: AbortSignal,
): Promise<Forward> {
  const { vm } = findVm(context, name);
  await using _lock = await context.locks.take(vm.id, name, 'forward a port to');
  await using _claims = await context.locks.wait(claims, 'forward a port');
  await context.network.assertPortFree(forward, signal);
  await changeSpecLocked(context, name, (spec) => ({ ...spec, forwards: [...spec.forwards, forward] }));
  try {
    await applyMember(context, name, signal);
  } catch (error) {
    await changeSpecLocked(context, name, (spec) => ({
      ...spec,
      forwards: spec.forwards.filter((other) => showForward(other) !== showForward(forward)),
    }));
    throw error;
  }
  emit(
    context,
    'forward.added',
    name,
    `${showForward(forward)} is forwarded to port ${forward.guestPort} of VM ${name}.`,
  );
  return forward;
}

export async function removeForward(
  context: Context,
  name: string,
  query: ParsedQuery<'forward.remove'>,
  signal: AbortSignal,
): Promise<Forward> {
  const found = findVm(context, name);
  await using _lock = await context.locks.take(found.vm.id, name, 'remove a forward of');
  const before = findVm(context, name);
  const forward = before.vm.spec.forwards.find(
    ({ hostPort, protocol, bind }) =>
      hostPort === query.hostPort && protocol === query.protocol && (query.bind === undefined || bind === query.bind),
  );
  if (forward === undefined) {
    throw new VmmError(
      'forward_not_found',
      `VM ${name} has no forward of host port ${query.hostPort}/${query.protocol}.`,
      { hint: `vmm port-forward list ${name}` },
    );
  }
  await changeSpecLocked(context, name, (spec) => ({
    ...spec,
    forwards: spec.forwards.filter((other) => showForward(other) !== showForward(forward)),
  }));
  await applyMember(context, name, signal);
  emit(context, 'forward.removed', name, `${showForward(forward)} is no longer forwarded to VM ${name}.`);
  return forward;
}

async function applyMember(context: Context, name: string, signal: AbortSignal): Promise<void> {
  const row = findVm(context, name);
  const member = memberOf(row);
  if (member !== undefined && row.record !== undefined) await context.network.addMember(member, signal);
}
