import type { Layout } from '../domain/layout.ts';
import type { FakeConsoles } from './fake-consoles.ts';
import type { FakeFiles } from './fake-files.ts';
import type { FakeHypervisor } from './fake-hypervisor.ts';
import type { FakeNetwork } from './fake-network.ts';
import type { FakeProcesses } from './fake-processes.ts';
import type { FakeDatabase } from './fake-state-store.ts';

interface Host {
  readonly paths: Layout;
  readonly processes: FakeProcesses;
  readonly files: FakeFiles;
  readonly network: FakeNetwork;
  readonly hypervisor: FakeHypervisor;
  readonly consoles: FakeConsoles;
  readonly database: FakeDatabase;
}

/** What is on the host although no VM of the database has it, one sentence each. */
export function leftovers({ paths, processes, files, network, hypervisor, consoles, database }: Host): string[] {
  const rows = [...database.vms.values()];
  const active = rows.filter((row) => row.vm.status.phase !== 'stopped' && row.vm.status.phase !== 'failed');
  const found: string[] = [];

  const taps = new Set(active.map((row) => row.vm.status.tap));
  for (const tap of network.taps) if (!taps.has(tap)) found.push(`tap ${tap}`);
  const activeIds = new Set(active.map((row) => row.vm.id));
  for (const member of network.members.values()) {
    if (!activeIds.has(member.vmId)) found.push(`network rules of ${member.name}`);
  }
  const owned = active.flatMap((row) =>
    row.record === undefined ? [] : [row.record.process, ...row.record.helpers].map((process) => process.pid),
  );
  for (const { name, identity } of processes.living()) {
    if (!owned.includes(identity.pid)) found.push(`process ${name}`);
  }
  for (const machine of hypervisor.machines()) {
    if (!activeIds.has(machine.plan.vmId)) found.push(`machine ${machine.plan.name}`);
  }
  const ids = new Set(rows.map((row) => row.vm.id));
  for (const path of [...files.under(paths.vms), ...files.under(paths.mounts)]) {
    const root = path.startsWith(`${paths.vms}/`) ? paths.vms : paths.mounts;
    if (!ids.has(path.slice(root.length + 1).split('/')[0] ?? '')) found.push(`file ${path}`);
  }
  const logs = new Set(rows.map((row) => paths.consoleLog(row.vm.name)));
  for (const path of consoles.paths()) if (!logs.has(path)) found.push(`console log ${path}`);
  for (const entry of database.journal) found.push(`journal ${entry.saga} of ${entry.subject}, step ${entry.step}`);
  return found;
}
