import type { MountView } from '../../contract/resources/vm.ts';

/** "  code: /home/user/code -> /mnt/code (ro) [/dev/vdb]" */
export function mountLine({ tag, source, target, mode, device }: MountView): string {
  return `  ${tag}: ${source} -> ${target} (${mode}) [${device}]`;
}

export function mountText(name: string, mounts: readonly MountView[]): string {
  if (mounts.length === 0) return `VM '${name}' has no mounts`;
  return [`Mounts for VM '${name}':`, ...mounts.map(mountLine)].join('\n');
}
