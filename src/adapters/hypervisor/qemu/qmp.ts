import { createConnection } from 'node:net';
import { z } from 'zod';
import { VmmError } from '../../../contract/errors.ts';

/** QEMU's answers to the few commands we send are short; more than this is no QMP. */
const longestLine = 1024 * 1024;
const commandTimeoutMs = 10_000;

const errorSchema = z.object({ class: z.string(), desc: z.string() });
const messageSchema = z.object({
  QMP: z.object({}).optional(),
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: errorSchema.optional(),
  event: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Qmp {
  /** Sends a command and resolves with its `return`. Errors: engine_failed. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: VmmError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Connects to the QEMU machine protocol (docs/interop/qmp-spec in QEMU): greeting, capabilities, then commands answered
 * by id with events between. Rejects with engine_failed when nobody listens or no greeting comes in `timeoutMs`.
 */
export async function connectQmp(
  socketPath: string,
  options: { readonly timeoutMs: number; readonly onEvent: (event: QmpEvent) => void },
): Promise<Qmp> {
  const socket = createConnection(socketPath);
  const pending = new Map<number, Pending>();
  const greeting = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let nextId = 1;
  let rest = '';

  const fail = (why: string, cause?: unknown) => {
    const error = new VmmError('engine_failed', `QEMU's control socket: ${why}.`, { cause });
    greeting.reject(error);
    for (const [id, waiting] of pending) {
      clearTimeout(waiting.timer);
      pending.delete(id);
      waiting.reject(error);
    }
    socket.destroy();
  };

  const onLine = (line: string) => {
    const parsed = messageSchema.safeParse(parseJson(line));
    if (!parsed.success) return fail('an answer that is no QMP');
    const message = parsed.data;
    if (message.QMP !== undefined) greeting.resolve();
    if (message.event !== undefined) options.onEvent({ name: message.event, data: message.data ?? {} });
    const waiting = message.id === undefined ? undefined : pending.get(message.id);
    if (waiting === undefined || message.id === undefined) return;
    pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error === undefined) waiting.resolve(message.return);
    else waiting.reject(new VmmError('engine_failed', `QEMU refused ${waiting.command}: ${message.error.desc}`));
  };

  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) return fail('an endless line');
    for (const line of lines) if (line.trim() !== '') onLine(line);
  });
  socket.on('error', (error) => fail(error.message, error));
  socket.on('close', () => {
    fail('the connection was closed');
    closed.resolve();
  });

  const execute: Qmp['execute'] = (command, args) =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(new VmmError('engine_failed', `QEMU did not answer ${command} within ${commandTimeoutMs / 1000} s.`));
      }, commandTimeoutMs);
      if (socket.destroyed) {
        clearTimeout(timer);
        reject(new VmmError('engine_failed', `QEMU is gone; ${command} was not sent.`));
        return;
      }
      pending.set(id, { command, resolve, reject, timer });
      socket.write(`${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`);
    });

  const deadline = setTimeout(() => fail('no greeting in time'), options.timeoutMs);
  try {
    await greeting.promise;
    await execute('qmp_capabilities');
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
  // An open connection alone must not keep the process from ending.
  socket.unref();
  return { execute, closed: closed.promise, close: () => socket.destroy() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
