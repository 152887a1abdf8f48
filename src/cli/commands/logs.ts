import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { exitCodes } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly tail?: number;
}

export function register(program: Command, cli: Cli): void {
  leaf(program, 'logs', 'The console log of a VM', ['vmm logs web1', 'vmm logs web1 -f --tail 20'])
    .argument('<vm>', 'name of the VM')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --tail <lines>', 'only the last lines', parseLines)
    .action(async (name: string, options: LogsOptions) => {
      const client = await cli.client();
      const tail = options.tail === undefined ? {} : { tailLines: options.tail };
      const query = { follow: options.follow === true, ...tail };
      try {
        const log = await client.bytes('vm.logs', { params: { name }, query }, { signal: cli.signal });
        cli.signal.addEventListener('abort', () => log.destroy(), { once: true });
        if (options.json === true) await printLines(cli, log);
        else await pipeline(log, cli.stdout, { end: false });
      } catch (error) {
        // Ctrl-C is how one leaves a log that goes on.
        if (!cli.signal.aborted) throw error;
        cli.exitCode = exitCodes.interrupted;
      }
    });
}

async function printLines(cli: Cli, log: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface({ input: log, crlfDelay: Number.POSITIVE_INFINITY })) {
    cli.stdout.write(`${JSON.stringify({ line })}\n`);
  }
}

function parseLines(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('give a number of lines');
  return Number(text);
}
