import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Heard } from './sockets.ts';
import type { Order } from './station-process.ts';

/** Somebody with sockets inside a named network namespace. */
export interface Station {
  serve(protocol: 'tcp' | 'udp', port: number, address?: string): Promise<void>;
  /** The answer, or `timeout`, or an error code. */
  ask(
    protocol: 'tcp' | 'udp',
    address: string,
    port: number,
    options?: { from?: string; fromPort?: number; timeoutMs?: number },
  ): Promise<string>;
  /** All that its servers heard. */
  heard(): Promise<Heard[]>;
  close(): void;
}

export function openStation(namespace: string): Station {
  const script = new URL('./station-process.ts', import.meta.url).pathname;
  const env = { ...process.env };
  // Else the child would speak the test reporter's language.
  delete env.NODE_TEST_CONTEXT;
  const child: ChildProcess = spawn('ip', ['netns', 'exec', namespace, process.execPath, script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  if (child.stdout === null) throw new Error('The station has no output.');
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Our own child wrote it.
    const { id, value, error } = JSON.parse(line) as { id: number; value?: unknown; error?: string };
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(new Error(`${namespace}: ${error}`));
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
    for (const { reject } of waiting.values()) reject(new Error(`The station ${namespace} has ended.`));
  });
  const tell = <T>(order: Order) =>
    new Promise<T>((resolve, reject) => {
      if (ended) throw new Error(`The station ${namespace} has ended.`);
      const id = nextId++;
      waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      child.stdin?.write(`${JSON.stringify({ id, order })}\n`);
    });
  return {
    async serve(protocol, port, address = '0.0.0.0') {
      await tell({ do: 'serve', protocol, name: namespace, address, port });
    },
    ask: (protocol, address, port, options = {}) =>
      tell<string>({
        do: 'ask',
        protocol,
        address,
        port,
        text: 'hello',
        timeoutMs: options.timeoutMs ?? 2000,
        from: options.from ?? '',
        fromPort: options.fromPort ?? 0,
      }),
    heard: () => tell<Heard[]>({ do: 'heard' }),
    close: () => child.stdin?.end(),
  };
}
