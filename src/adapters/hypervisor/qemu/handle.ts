import type { VmExit, VmHandle, VmmRecord } from '../../../ports/hypervisor.ts';
import type { QemuDeps } from './deps.ts';
import { judge } from './inquest.ts';
import { connectQmp, type Qmp, type QmpEvent } from './qmp.ts';
import { boundLogs, runtimeFiles } from './runtime-files.ts';
import { openSocketDir, type SocketDir } from './socket-dir.ts';
import { StallWatch } from './stall.ts';

/** QMP tells of the end at once; this is the net below it. */
const pollMs = 5_000;
const reconnectTimeoutMs = 2_000;
/** QEMU closes QMP a moment before it ends. */
const endGraceMs = 3_000;
const helperGraceMs = 1_000;
const pressAgainMs = 3_000;
const mostPresses = 100;

/** A running QEMU: its control connection, and a watch on its end. */
export class QemuHandle implements VmHandle {
  readonly record: VmmRecord;
  readonly exited: Promise<VmExit>;
  readonly consoleSocketPath: string;
  readonly agentSocketPath: string;
  readonly #deps: QemuDeps;
  readonly #sockets: SocketDir;
  readonly #detached = new AbortController();
  readonly #ended = new AbortController();
  readonly #stall: StallWatch;
  #qmp: Qmp | undefined;
  #shutdownReason: string | undefined;
  #asked: 'power-down' | 'kill' | undefined;
  #pressing = false;

  private constructor(record: VmmRecord, deps: QemuDeps) {
    this.record = record;
    this.#deps = deps;
    this.#sockets = openSocketDir(record.runtimeDir);
    this.consoleSocketPath = this.#sockets.at(runtimeFiles.console);
    this.agentSocketPath = this.#sockets.at(runtimeFiles.agent);
    this.#stall = new StallWatch({
      clock: deps.clock,
      execute: (command) => this.#qmp?.execute(command) ?? Promise.reject(new Error('QEMU is not connected.')),
      signal: AbortSignal.any([this.#detached.signal, this.#ended.signal]),
    });
    this.exited = new Promise((resolve) => {
      this.#afterEnd = resolve;
    });
  }

  #afterEnd: (exit: VmExit) => void = () => undefined;

  /** Connects within `timeoutMs`, or goes on without a control connection and tries again later. */
  static async attach(record: VmmRecord, deps: QemuDeps, timeoutMs: number): Promise<QemuHandle> {
    const handle = new QemuHandle(record, deps);
    await handle.#connect(timeoutMs);
    void handle.#watch();
    return handle;
  }

  get controlled(): boolean {
    return this.#qmp !== undefined;
  }

  async requestPowerDown(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#asked ??= 'power-down';
    const qmp = this.#qmp ?? (await this.#connectOrThrow());
    await qmp.execute('system_powerdown');
    void this.#pressAgain(signal);
  }

  /** A guest that is still booting does not notice the button, and one that is going down does not mind it. `signal` ends the asking. */
  async #pressAgain(signal: AbortSignal): Promise<void> {
    if (this.#pressing) return;
    this.#pressing = true;
    for (let press = 0; press < mostPresses && this.#qmp !== undefined; press++) {
      await this.#pause(pressAgainMs);
      if (signal.aborted) break;
      await this.#qmp?.execute('system_powerdown').catch(() => undefined);
    }
    this.#pressing = false;
  }

  async kill(): Promise<void> {
    this.#asked = 'kill';
    // `quit` flushes the disks' caches and removes the sockets; the signals are for a QEMU that hangs.
    if (this.#qmp !== undefined)
      await Promise.race([this.#qmp.execute('quit'), this.#pause(500)]).catch(() => undefined);
    await this.#deps.processes.terminate(this.record.process, endGraceMs);
    await this.#endHelpers();
  }

  onTrouble(listener: (trouble: string | undefined) => void): void {
    this.#stall.listen(listener);
  }

  detach(): void {
    this.#detached.abort();
    this.#qmp?.close();
    this.#sockets.close();
  }

  async #connectOrThrow(): Promise<Qmp> {
    const qmp = await connectQmp(this.#sockets.at(runtimeFiles.qmp), {
      timeoutMs: reconnectTimeoutMs,
      onEvent: (event) => this.#onEvent(event),
    });
    this.#qmp = qmp;
    await this.#stall.look();
    return qmp;
  }

  async #connect(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const connected = await this.#connectOrThrow().then(
        () => true,
        () => false,
      );
      if (connected || performance.now() > deadline) return;
      if (!(await this.#deps.processes.isAlive(this.record.process))) return;
      await this.#pause(10);
    }
  }

  #onEvent(event: QmpEvent): void {
    this.#stall.onEvent(event);
    if (event.name !== 'SHUTDOWN') return;
    const { reason } = event.data;
    this.#shutdownReason = typeof reason === 'string' ? reason : 'unknown';
  }

  /** Resolves `exited` at the end of the process; never, once detached. */
  async #watch(): Promise<void> {
    let watched = this.controlled;
    while (await this.#deps.processes.isAlive(this.record.process)) {
      await this.#nextSign();
      if (this.#detached.signal.aborted) return;
      await boundLogs(this.record.runtimeDir);
      if (this.#qmp !== undefined) continue;
      // The connection is gone: as a rule the process follows at once.
      if (await this.#endsSoon()) break;
      watched = false;
      await this.#connectOrThrow().catch(() => undefined);
    }
    if (this.#detached.signal.aborted) return;
    // The process may be seen to be gone before its last event was read.
    if (this.#qmp !== undefined) await Promise.race([this.#qmp.closed, this.#pause(500)]);
    await this.#endHelpers().catch(() => undefined);
    const exit = await judge(this.record, { shutdownReason: this.#shutdownReason, asked: this.#asked, watched });
    this.#sockets.close();
    this.#ended.abort();
    this.#afterEnd(exit);
  }

  /** Waits for the end of the control connection, or for the next poll where there is none. */
  async #nextSign(): Promise<void> {
    const qmp = this.#qmp;
    if (qmp === undefined) return this.#pause(100);
    const poll = new AbortController();
    const either = AbortSignal.any([poll.signal, this.#detached.signal]);
    const closed = qmp.closed.then(() => {
      if (this.#qmp === qmp) this.#qmp = undefined;
    });
    await Promise.race([closed, this.#deps.clock.sleep(pollMs, either).catch(() => undefined)]);
    poll.abort();
  }

  async #endsSoon(): Promise<boolean> {
    const deadline = performance.now() + endGraceMs;
    while (performance.now() < deadline && !this.#detached.signal.aborted) {
      if (!(await this.#deps.processes.isAlive(this.record.process))) return true;
      await this.#pause(10);
    }
    return false;
  }

  async #endHelpers(): Promise<void> {
    await Promise.all(this.record.helpers.map((helper) => this.#deps.processes.terminate(helper, helperGraceMs)));
  }

  #pause(ms: number): Promise<void> {
    return this.#deps.clock.sleep(ms, this.#detached.signal).catch(() => undefined);
  }
}
