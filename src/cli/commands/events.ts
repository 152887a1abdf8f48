import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { exitCodes } from '../../contract/errors.ts';
import type { VmmEvent } from '../../contract/resources/event.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { printable } from '../output/format.ts';
import { formatTable } from '../output/table.ts';

const pollMs = 500;

interface EventsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly subject?: string;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'events', 'What happened, oldest first', ['vmm events', 'vmm events --subject web1 -f'])
    .option('-f, --follow', 'go on with what comes')
    .option('--subject <name>', 'of one VM or image alone')
    .action(async (options: EventsOptions) => {
      const client = await cli.client();
      const read = async (after: number) => {
        const query = { after, ...(options.subject === undefined ? {} : { subject: options.subject }) };
        return await client.call('event.list', { query }, { signal: cli.signal });
      };
      let events = await read(0);
      if (options.follow !== true) return print(cli, events, eventTable(events));
      try {
        for (let after = 0; ; ) {
          for (const event of events) {
            const { at, type, subject, message } = event;
            const line =
              options.json === true ? JSON.stringify(event) : `${at}  ${type}  ${subject}  ${printable(message)}`;
            cli.stdout.write(`${line}\n`);
            after = event.id;
          }
          await sleep(pollMs, undefined, { signal: cli.signal });
          events = await read(after);
        }
      } catch (error) {
        // Ctrl-C is how one leaves it.
        if (!cli.signal.aborted) throw error;
        cli.exitCode = exitCodes.interrupted;
      }
    });
}

function eventTable(events: readonly VmmEvent[]): string {
  const rows = events.map(({ at, type, subject, message }) => [at, type, subject, printable(message)]);
  return formatTable(['TIME', 'EVENT', 'SUBJECT', 'MESSAGE'], rows);
}
