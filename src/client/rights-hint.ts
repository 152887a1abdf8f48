import { readFileSync } from 'node:fs';

/** For whom the socket is closed to. */
export const joinGroupHint =
  'Run it with sudo, or join the group vmm: sudo groupadd -f vmm && sudo usermod -aG vmm "$USER", then log in again.';

/** For whom no daemon runs for, and who may not start one: a member of the group needs no more than that it runs. */
export function startDaemonHint(
  groupFile = '/etc/group',
  groups: readonly number[] = process.getgroups?.() ?? [],
): string {
  const gid = groupId(groupFile);
  return gid !== undefined && groups.includes(gid) ? 'Start it, then try again: sudo vmm daemon start' : joinGroupHint;
}

/** group(5): name:password:gid:members. */
function groupId(file: string): number | undefined {
  try {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((text) => text.startsWith('vmm:'));
    return line === undefined ? undefined : Number(line.split(':')[2]);
  } catch {
    // Groups from elsewhere alone: then the longer hint it is.
    return undefined;
  }
}
