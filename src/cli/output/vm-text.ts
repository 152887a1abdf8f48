import type { Vm } from '../../contract/resources/vm.ts';
import { formatForward } from '../parse/forward.ts';
import { formatDuration, formatMiB } from './format.ts';
import { formatTable } from './table.ts';

/** "web1 is running at 172.16.0.2". */
export function runningText(vm: Vm): string {
  // A stopped VM keeps its address, and is not there.
  const address = vm.status.ip === undefined || vm.status.phase === 'stopped' ? '' : ` at ${vm.status.ip}`;
  return `${vm.name} is ${vm.status.ready ? 'running' : vm.status.phase}${address}`;
}

const titles = ['NAME', 'STATE', 'IP', 'CPUS', 'MEMORY', 'DISK', 'IMAGE', 'ENGINE', 'UPTIME', 'PORTS'];

export function vmTable(vms: readonly Vm[], now: Date): string {
  return formatTable(
    titles,
    vms.map(({ name, spec, status }) => [
      name,
      // A running guest has an error only while its engine holds it; `vmm inspect` tells why.
      status.phase === 'running' && status.error !== undefined ? 'running (paused)' : status.phase,
      status.ip ?? '-',
      String(spec.cpus),
      formatMiB(spec.memoryMiB),
      formatMiB(spec.diskMiB),
      spec.image,
      status.engine ?? spec.engine,
      status.phase === 'running' && status.startedAt !== undefined
        ? formatDuration(now.getTime() - Date.parse(status.startedAt))
        : '-',
      spec.forwards.map(formatForward).join(', ') || '-',
    ]),
  );
}
