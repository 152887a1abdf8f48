import type { Vm } from '../../contract/resources/vm.ts';
import { formatForward } from '../parse/forward.ts';
import { formatMiB, printable } from './format.ts';

/** All of one VM for people, one `Title: value` a line; what is not known is left out. */
export function vmDetails({ id, name, createdAt, spec, status }: Vm): string {
  const engine = [status.engine ?? spec.engine, status.acceleration].filter((part) => part !== undefined).join(', ');
  const lines: readonly (readonly [title: string, value: string | number | undefined])[] = [
    ['Name', name],
    ['Id', id],
    ['State', status.phase === 'running' && !status.ready ? 'running (ssh has not answered yet)' : status.phase],
    ['Error', status.error],
    ['Ended by', status.exitCause],
    ['Ended with', status.exitDetail],
    ['Image', spec.image],
    ['Kernel', spec.kernel],
    ['Engine', engine],
    ['Because', status.engineReason],
    ['Process', status.pid],
    ['CPUs', spec.cpus],
    ['Memory', formatMiB(spec.memoryMiB)],
    ['Disk', formatMiB(spec.diskMiB)],
    ['Address', status.ip ?? spec.ip],
    ['MAC', status.mac],
    ['Tap', status.tap],
    ['DNS', spec.dns.join(', ') || undefined],
    ['Ports', spec.forwards.map(formatForward).join(', ') || undefined],
    ['Mounts', spec.mounts.map((m) => `${m.source} -> /mnt/${m.tag} (${m.mode}, ${m.kind})`).join(', ') || undefined],
    ['SSH keys', spec.sshKeys.length],
    ['Autostart', spec.autostart ? 'yes' : 'no'],
    [
      'Labels',
      Object.entries(spec.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || undefined,
    ],
    ['Created', createdAt],
    ['Started', status.startedAt],
    ['Stopped', status.stoppedAt],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([title, value]) => `${`${title}:`.padEnd(12)}${printable(String(value))}`)
    .join('\n');
}
