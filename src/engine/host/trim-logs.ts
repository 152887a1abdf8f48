import type { Context } from '../context.ts';

/** Bounds the console logs of running VMs: a guest must not fill the host's disk by printing. */
export async function trimLogs(context: Context): Promise<void> {
  for (const vmId of context.handles.keys()) {
    const row = context.store.findVmById(vmId);
    if (row !== undefined) await context.consoles.trim(context.settings.layout.consoleLog(row.vm.name));
  }
}
