import { parseArgs } from 'node:util';
import { asVmmError, errorCatalogue, exitCodes, toProblem, VmmError } from '../contract/errors.ts';
import { hostConfigSchema } from '../contract/resources/host.ts';
import type { Compose } from './composition.ts';
import { type DaemonOptions, startDaemon } from './start.ts';

/**
 * The daemon as a process: arguments, signals, last words, exit code.
 * `--data-dir DIR --bridge NAME --subnet CIDR --host-interface NAME --engine NAME [--keep] [--idle-seconds N] [--grace-seconds N]`
 */
export async function runDaemon(args: readonly string[], version: string, compose: Compose): Promise<void> {
  process.umask(0o077);
  process.chdir('/');
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  try {
    const daemon = await startDaemon(parseOptions(args, version), compose, ending.signal);
    await daemon.stopped;
    process.exit(0);
  } catch (thrown) {
    if (ending.signal.aborted) process.exit(0);
    fail(thrown);
  }
}

function parseOptions(args: readonly string[], version: string): DaemonOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'data-dir': { type: 'string', default: '/var/lib/vmm' },
      bridge: { type: 'string', default: 'vmm-br0' },
      subnet: { type: 'string', default: '172.16.0.0/16' },
      'host-interface': { type: 'string', default: '' },
      engine: { type: 'string', default: 'auto' },
      keep: { type: 'boolean', default: false },
      'idle-seconds': { type: 'string', default: '60' },
      'grace-seconds': { type: 'string', default: '10' },
    },
  });
  const settings = hostConfigSchema.safeParse({
    data_dir: values['data-dir'],
    bridge_name: values.bridge,
    subnet: values.subnet,
    host_interface: values['host-interface'],
    engine: values.engine,
  });
  if (!settings.success) {
    const told = settings.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new VmmError('invalid_config', `The daemon’s settings cannot be used: ${told}.`, {
      hint: 'See `vmm config show`.',
    });
  }
  const milliseconds = (name: string, text: string) => {
    const seconds = Number(text);
    if (text.trim() !== '' && seconds >= 0 && seconds <= 86_400) return seconds * 1000;
    throw new VmmError('invalid_config', `--${name} takes a number of seconds up to 86400, not "${text}".`);
  };
  return {
    settings: settings.data,
    version,
    keep: values.keep,
    idleMs: milliseconds('idle-seconds', values['idle-seconds']),
    graceMs: milliseconds('grace-seconds', values['grace-seconds']),
    lockTimeoutMs: 10_000,
  };
}

/** Tells why in the log, as `problem`, where the client that started us looks for it (client/launch-daemon.ts). */
function fail(thrown: unknown): never {
  const error = asVmmError(thrown);
  const problem = toProblem(error);
  const line = { level: 60, time: new Date().toISOString(), pid: process.pid, problem, stack: stackOf(error) };
  // Not by the logger: it may be what failed. Started by a client, our stderr is the log.
  process.stderr.write(`${JSON.stringify(line)}\n`);
  process.exit(exitCodes[errorCatalogue[error.code].exit]);
}

function stackOf(error: VmmError): string | undefined {
  if (error.code !== 'internal') return undefined;
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}
