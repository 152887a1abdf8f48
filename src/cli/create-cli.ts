import type { Client } from '../client/client.ts';
import { VmmError } from '../contract/errors.ts';
import type { HostConfig } from '../contract/resources/host.ts';
import { daemonSocket, layout } from '../domain/layout.ts';
import type { Cli } from './cli.ts';
import type { EffectiveConfig } from './config/effective.ts';
import { watchSignals } from './signals.ts';

/** What the installed program knows of itself. */
export interface Installation {
  readonly version: string;
  /** Program and arguments that run the daemon with these settings. */
  readonly daemonCommand: (settings: HostConfig) => readonly string[];
}

export interface Session extends AsyncDisposable {
  readonly cli: Cli;
}

export function createCli(process: NodeJS.Process, installation: Installation): Session {
  const signals = watchSignals(process.stderr);
  let config: Promise<EffectiveConfig> | undefined;
  let client: Promise<Client> | undefined;
  // A reader that has seen enough (`vmm list | head -1`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });

  const cli: Cli = {
    env: process.env,
    // Opened when it is read: that costs more than all of --help.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signal: signals.signal,
    version: installation.version,
    options: {},
    exitCode: 0,
    config() {
      config ??= import('./config/effective.ts').then(({ loadConfig }) => loadConfig(process.env));
      return config;
    },
    client() {
      client ??= connect(cli, installation);
      return client;
    },
    async runningClient() {
      const { createClient } = await import('../client/client.ts');
      const { data_dir } = await cli.config();
      const found = createClient({ socketPath: daemonSocket(data_dir), version: installation.version });
      try {
        await found.call('daemon.status', {}, { signal: cli.signal });
        client ??= Promise.resolve(found);
        return found;
      } catch (error) {
        found.close();
        if (error instanceof VmmError && error.code === 'daemon_unreachable') return undefined;
        throw error;
      }
    },
    async lendTerminal(work) {
      const lent = { interrupts: 0 };
      signals.lent = lent;
      try {
        return await work(() => lent.interrupts > 0);
      } finally {
        signals.lent = undefined;
      }
    },
  };
  return {
    cli,
    async [Symbol.asyncDispose]() {
      signals.release();
      const opened = await client?.catch(() => undefined);
      opened?.close();
    },
  };
}

async function connect(cli: Cli, installation: Installation): Promise<Client> {
  const { ensureDaemon } = await import('../client/ensure-daemon.ts');
  const { daemonSettings, defaultDataDir } = await import('./config/effective.ts');
  const settings = daemonSettings(await cli.config());
  return await ensureDaemon({
    socketPath: daemonSocket(settings.data_dir),
    version: installation.version,
    command: installation.daemonCommand(settings),
    logPath: layout(settings.data_dir).daemonLog,
    rootOnly: settings.data_dir === defaultDataDir,
    signal: cli.signal,
  });
}
