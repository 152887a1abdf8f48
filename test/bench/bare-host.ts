import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../support/exec.ts';

const script = join(import.meta.dirname, 'bare-launch.sh');

/** A network namespace with one tap that has the gateway's address: all that a guest launched by hand needs. */
export class BareHost implements AsyncDisposable {
  readonly #namespace: string;
  readonly #tap: string;
  readonly runDir: string;

  private constructor(namespace: string, tap: string, runDir: string) {
    this.#namespace = namespace;
    this.#tap = tap;
    this.runDir = runDir;
  }

  /** `gateway`: the tap's address with its prefix length. `runDir` is emptied before each launch. */
  static async open(namespace: string, tap: string, gateway: string, runDir: string): Promise<BareHost> {
    await exec('ip', ['netns', 'add', namespace]);
    const inside = (...args: string[]) => exec('ip', ['-n', namespace, ...args]);
    await inside('link', 'set', 'lo', 'up');
    await inside('tuntap', 'add', tap, 'mode', 'tap');
    await inside('address', 'add', gateway, 'dev', tap);
    await inside('link', 'set', tap, 'up');
    return new BareHost(namespace, tap, runDir);
  }

  async prepare(): Promise<void> {
    await rm(this.runDir, { recursive: true, force: true });
    await mkdir(this.runDir, { recursive: true });
    // The last guest's address is not this one's.
    await exec('ip', ['-n', this.#namespace, 'neighbour', 'flush', 'dev', this.#tap]);
  }

  async launch(address: string, keyPath: string, argv: readonly string[]): Promise<void> {
    const args = [script, address, keyPath, this.#pidFile, ...argv];
    await exec('ip', ['netns', 'exec', this.#namespace, 'bash', ...args], { cwd: this.runDir, timeoutMs: 240_000 });
  }

  async clear(): Promise<void> {
    if (!existsSync(this.#pidFile)) return;
    const pid = Number(await readFile(this.#pidFile, 'utf8'));
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    while (existsSync(`/proc/${pid}/exe`)) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  get #pidFile(): string {
    return join(this.runDir, 'pid');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    await exec('ip', ['netns', 'delete', this.#namespace]);
    await rm(this.runDir, { recursive: true, force: true });
  }
}
