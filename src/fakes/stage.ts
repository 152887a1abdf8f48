import { VmmError } from '../contract/errors.ts';

/** Thrown by synchronous calls of a daemon that was killed; asynchronous ones never come back. */
export class DaemonKilled extends Error {}

/**
 * What happens to calls of ports, by name, such as `network.addTap`. Shared by all lives of the daemon, so that a test
 * can write: let the daemon be killed at the n-th call, for every n.
 */
export class Script {
  readonly calls: string[] = [];
  #killAt: { readonly call: number; readonly when: 'before' | 'after' } | undefined;
  readonly #failures = new Map<string, Error[]>();
  readonly #hangs = new Set<string>();

  /** The next call of that name fails; said twice, the next two do. */
  fail(call: string, error: Error = new VmmError('command_failed', `${call} was told to fail.`)): void {
    this.#failures.set(call, [...(this.#failures.get(call) ?? []), error]);
  }

  /** The next call of that name waits until its AbortSignal fires; without one it waits for ever. */
  hang(call: string): void {
    this.#hangs.add(call);
  }

  /** `kill -9` of the daemon at the n-th call from now (1 is the next): before it has an effect, or right after. */
  killDaemonAt(call: number, when: 'before' | 'after'): void {
    this.#killAt = { call: this.calls.length + call, when };
  }

  dontKill(): void {
    this.#killAt = undefined;
  }

  /** Notes a call and says what is to happen to it. */
  enter(call: string): { readonly kill?: 'before' | 'after'; readonly failure?: Error; readonly hang?: boolean } {
    this.calls.push(call);
    if (this.#killAt?.call === this.calls.length) return { kill: this.#killAt.when };
    const [failure, ...later] = this.#failures.get(call) ?? [];
    if (failure !== undefined) {
      this.#failures.set(call, later);
      return { failure };
    }
    return this.#hangs.delete(call) ? { hang: true } : {};
  }
}

/** One run of the daemon. After its death nothing it does has an effect, and nothing it waits for comes. */
export class Life {
  dead = false;
  readonly died: Promise<void>;
  #tellDeath: () => void = () => undefined;

  constructor() {
    this.died = new Promise((resolve) => {
      this.#tellDeath = resolve;
    });
  }

  end(): void {
    this.dead = true;
    this.#tellDeath();
  }

  /** The promise as a daemon of this life sees it. */
  gate<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.dead || resolve(value),
        (error: unknown) => this.dead || reject(error),
      );
    });
  }
}

const synchronous =
  /^(store\.|host\.(cpus|memoryMiB|isRoot)$|clock\.now$|images\.basePath$|volumes\.(mountImagePath|keptPath)$|handle\.(detach|onTrouble)$)/;

/** The port as one life of the daemon has it: each call goes through the script. */
export function onStage<T extends object>(name: string, port: T, script: Script, life: Life): T {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (value instanceof Promise) return life.gate(value);
      if (typeof value !== 'function') return value;
      const call = `${name}.${String(key)}`;
      const perform = (args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (call === 'store.transaction') return (work: () => unknown) => transaction(perform, work, life);
      return synchronous.test(call)
        ? (...args: unknown[]) => enterSync(call, () => perform(args), script, life)
        : (...args: unknown[]) => life.gate(enterAsync(call, () => perform(args), args, script, life));
    },
  });
}

function enterSync(call: string, perform: () => unknown, script: Script, life: Life): unknown {
  if (life.dead) throw new DaemonKilled();
  const { kill, failure } = script.enter(call);
  if (kill === 'before') life.end();
  if (life.dead) throw new DaemonKilled();
  if (failure !== undefined) throw failure;
  const result = perform();
  if (kill === 'after') life.end();
  if (kill === 'after') throw new DaemonKilled();
  return result;
}

async function enterAsync(
  call: string,
  perform: () => unknown,
  args: readonly unknown[],
  script: Script,
  life: Life,
): Promise<unknown> {
  // What a dead daemon asks for is never done; the gate keeps the answer from it.
  if (life.dead) return undefined;
  const { kill, failure, hang } = script.enter(call);
  if (kill === 'before') {
    life.end();
    return undefined;
  }
  if (failure !== undefined) throw failure;
  if (hang === true) await untilAborted(args);
  const result = await perform();
  if (kill === 'after') life.end();
  return call.endsWith('.launch') || call.endsWith('.adopt') ? stagedHandle(result, script, life) : result;
}

/** A daemon that dies inside a transaction leaves nothing of it, as SQLite does. */
function transaction(perform: (args: unknown[]) => unknown, work: () => unknown, life: Life): unknown {
  const unlessKilled = () => {
    const result = life.dead ? undefined : work();
    if (life.dead) throw new DaemonKilled();
    return result;
  };
  return perform([unlessKilled]);
}

function stagedHandle(result: unknown, script: Script, life: Life): unknown {
  return typeof result === 'object' && result !== null ? onStage('handle', result, script, life) : result;
}

async function untilAborted(args: readonly unknown[]): Promise<void> {
  const signal = args.map(signalIn).find((found) => found !== undefined);
  await new Promise<void>((_, reject) => {
    const abort = () => reject(new VmmError('aborted', 'The request was cancelled.'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function signalIn(value: unknown): AbortSignal | undefined {
  if (value instanceof AbortSignal) return value;
  return typeof value === 'object' && value !== null && 'signal' in value ? signalIn(value.signal) : undefined;
}
