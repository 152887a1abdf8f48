import { VmmError } from '../../contract/errors.ts';
import { type Context, emit } from '../context.ts';
import { findVm, setStatus } from './find.ts';

const tailLines = 20;

/** Resolves when the guest's sshd has answered in this run. Throws guest_timeout or guest_exited with the console's tail. */
export async function awaitReady(
  context: Context,
  name: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { vm } = findVm(context, name);
  if (vm.status.ready) return;
  const handle = context.handles.get(vm.id);
  const { ip } = vm.status;
  if (handle === undefined || ip === undefined) throw await exitedError(context, name);
  const settled = new AbortController();
  const signal = AbortSignal.any([options.signal, settled.signal]);
  try {
    const answered = context.channel
      .awaitSsh(ip, { timeoutMs: options.timeoutMs, signal })
      .then(() => 'ready' as const);
    const outcome = await Promise.race([answered, handle.exited.then(() => 'exited' as const)]);
    if (outcome === 'exited') {
      answered.catch(() => undefined); // told apart already: the guest is gone
      throw await exitedError(context, name);
    }
    if (context.handles.get(vm.id) === handle) recordReady(context, vm.id);
  } catch (error) {
    if (!(error instanceof VmmError) || error.code !== 'guest_timeout') throw error;
    throw new VmmError(
      'guest_timeout',
      `VM ${name} runs but did not answer ssh within ${options.timeoutMs / 1000} s.`,
      {
        hint: `Look at it: vmm console ${name} or vmm logs ${name}; stop it: vmm stop --force ${name}`,
        detail: await context.consoles.tail(context.settings.layout.consoleLog(name), tailLines),
      },
    );
  } finally {
    settled.abort();
  }
}

/** Whoever hears the guest first says so, once a run. */
export function recordReady(context: Context, vmId: string): void {
  const vm = context.store.findVmById(vmId)?.vm;
  if (vm === undefined || vm.status.ready) return;
  setStatus(context, vmId, { ready: true });
  emit(context, 'vm.ready', vm.name, `VM ${vm.name} answers ssh.`);
}

async function exitedError(context: Context, name: string): Promise<VmmError> {
  const status = context.store.findVm(name)?.vm.status;
  const stopped = status?.phase === 'stopping' || status?.exitCause === 'stopped' ? 'was stopped' : 'ended';
  return new VmmError('guest_exited', `VM ${name} ${stopped} before it was ready.`, {
    hint: `vmm logs ${name}`,
    detail: await context.consoles.tail(context.settings.layout.consoleLog(name), tailLines),
  });
}
