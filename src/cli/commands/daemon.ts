import type { Command } from 'commander';
import { exitCodes } from '../../contract/errors.ts';
import type { DaemonStatus } from '../../contract/resources/host.ts';
import { type Cli, print } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { formatDuration } from '../output/format.ts';

export function register(program: Command, cli: Cli): void {
  const daemon = program.command('daemon').description('The background process that watches the VMs');
  leaf(daemon, 'status', 'Show the daemon', ['vmm daemon status', 'vmm daemon status --json']).action(async () => {
    const client = await cli.runningClient();
    if (client === undefined) {
      print(cli, { daemon: null }, 'No daemon runs; it starts when a command needs it.');
      cli.exitCode = exitCodes.notFound;
      return;
    }
    const status = await client.call('daemon.status', {}, { signal: cli.signal });
    print(cli, { daemon: status }, statusText(status));
  });
  leaf(daemon, 'start', 'Start the daemon now', ['vmm daemon start']).action(async () => {
    const client = await cli.client();
    const status = await client.call('daemon.status', {}, { signal: cli.signal });
    print(cli, { daemon: status }, `The daemon runs as process ${status.pid}.`);
  });
  leaf(daemon, 'stop', 'Stop the daemon; VMs keep running', ['vmm daemon stop']).action(async () => {
    const client = await cli.runningClient();
    let text = 'No daemon runs.';
    if (client !== undefined) {
      const { running } = await client.call('daemon.status', {}, { signal: cli.signal });
      await client.call('daemon.stop', {}, { signal: cli.signal });
      // The kernel forwards what comes from outside; what comes from this host's own localhost passes the daemon.
      text =
        running === 0
          ? 'The daemon stops.'
          : 'The daemon stops; VMs keep running. Forwards from localhost pause until it runs again: vmm daemon start';
    }
    print(cli, { stopped: client !== undefined }, text);
  });
}

function statusText(status: DaemonStatus): string {
  const uptime = formatDuration(Date.now() - Date.parse(status.startedAt));
  return [
    `Process:    ${status.pid}, version ${status.version}, up ${uptime}`,
    `Data:       ${status.dataDir}`,
    `Socket:     ${status.socket}`,
    `VMs:        ${status.vms}, ${status.running} running`,
    `Clients:    ${status.clients}`,
    `Ends:       ${status.kept ? 'when it is told to' : 'a minute after the last VM and client'}`,
  ].join('\n');
}
