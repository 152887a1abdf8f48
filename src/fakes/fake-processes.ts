import type { ProcessIdentity } from '../ports/command-runner.ts';
import type { ProcessTable } from '../ports/process-table.ts';

interface FakeProcess {
  readonly identity: ProcessIdentity;
  readonly name: string;
  readonly onEnd: () => void;
}

/** The processes of an imagined host. They outlive the daemon, as real ones do. */
export class FakeProcesses implements ProcessTable {
  #boot = 1;
  #ticks = 0;
  #nextPid = 1000;
  readonly #processes = new Map<number, FakeProcess>();

  /** Starts one; `onEnd` is called once when it goes. */
  start(name: string, onEnd: () => void = () => undefined): ProcessIdentity {
    const identity = { pid: this.#nextPid++, startTicks: ++this.#ticks, bootId: this.#bootId() };
    this.#processes.set(identity.pid, { identity, name, onEnd });
    return identity;
  }

  /** The process goes, whatever the reason. */
  end(identity: ProcessIdentity): void {
    const found = this.#find(identity);
    if (found === undefined) return;
    this.#processes.delete(identity.pid);
    found.onEnd();
  }

  /** Ends everything; what was written down about processes is worthless afterwards. */
  reboot(): void {
    for (const { identity } of [...this.#processes.values()]) this.end(identity);
    this.#boot++;
  }

  living(): readonly { readonly name: string; readonly identity: ProcessIdentity }[] {
    return [...this.#processes.values()];
  }

  async identify(pid: number): Promise<ProcessIdentity | undefined> {
    return this.#processes.get(pid)?.identity;
  }

  async isAlive(identity: ProcessIdentity): Promise<boolean> {
    return this.#find(identity) !== undefined;
  }

  async kill(identity: ProcessIdentity): Promise<void> {
    this.end(identity);
  }

  async terminate(identity: ProcessIdentity): Promise<void> {
    this.end(identity);
  }

  async bootId(): Promise<string> {
    return this.#bootId();
  }

  #bootId(): string {
    return `boot-${this.#boot}`;
  }

  #find({ pid, startTicks, bootId }: ProcessIdentity): FakeProcess | undefined {
    const found = this.#processes.get(pid);
    return found?.identity.startTicks === startTicks && found.identity.bootId === bootId ? found : undefined;
  }
}
