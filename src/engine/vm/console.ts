import type { Duplex, Readable } from 'node:stream';
import { VmmError } from '../../contract/errors.ts';
import type { ParsedQuery } from '../../contract/operations.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Context } from '../context.ts';
import { findVm } from './find.ts';

/** The console log, bounded; it outlives runs. */
export function readLogs(
  context: Context,
  name: string,
  { follow, tailLines }: ParsedQuery<'vm.logs'>,
  signal: AbortSignal,
): Promise<Readable> {
  const { vm } = findVm(context, name);
  return context.consoles.read(context.settings.layout.consoleLog(vm.name), { follow, tailLines, signal });
}

export async function attachConsole(context: Context, name: string): Promise<Duplex> {
  const { vm } = findVm(context, name);
  assertMay('connect', vm);
  const handle = context.handles.get(vm.id);
  if (handle === undefined) throw new VmmError('illegal_state', `VM ${name} has ended.`, { hint: `vmm start ${name}` });
  return context.consoles.attach(handle);
}
