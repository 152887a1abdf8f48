import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonSocket, type Layout, layout } from '../../src/domain/layout.ts';
import { type ExecOptions, exec, type Output } from './exec.ts';
import { checkout, seedDataDir, vmmEnv, vmmProgram } from './seed-data-dir.ts';

/** Addresses of the world beyond the test host (RFC 5737: for documentation, so nobody's). */
export const world = { host: '198.51.100.1', outside: '198.51.100.2', name: 'answer.example' } as const;

export interface HostOptions {
  /** Images that must be there; their making is shared by all tests of the machine. */
  readonly images?: readonly string[];
  /** Where the data directory goes; a folder of its own in the temporary directory by default. */
  readonly dataDir?: string;
}

/**
 * A host of its own for a test: a network namespace, a data directory, a home. Its default route leads to a second
 * namespace, the world outside, which has a DNS server.
 */
export class TestHost implements AsyncDisposable {
  readonly scratch: string;
  readonly dataDir: string;
  readonly home: string;
  readonly files: Layout;
  /** Name of the host's network namespace. */
  readonly namespace: string;
  readonly #outside: string;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(scratch: string, dataDir: string, tag: string) {
    this.scratch = scratch;
    this.dataDir = dataDir;
    this.home = join(scratch, 'home');
    this.files = layout(dataDir);
    this.namespace = `vt-${tag}`;
    this.#outside = `vt-${tag}-out`;
  }

  static async open(options: HostOptions = {}): Promise<TestHost> {
    const scratch = await mkdtemp(join(tmpdir(), 'h-'));
    // Guests run as users of their own, who must be able to pass.
    await chmod(scratch, 0o755);
    const host = new TestHost(scratch, options.dataDir ?? join(scratch, 'd'), randomBytes(2).toString('hex'));
    try {
      await mkdir(host.home);
      await seedDataDir(host.dataDir, options.images ?? ['debian', 'tiny']);
      await host.#openNetwork();
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #openNetwork(): Promise<void> {
    const [inside, outside] = [this.namespace, this.#outside];
    this.#cleanups.push(async () => {
      for (const name of [inside, outside]) await this.#endNamespace(name);
    });
    for (const name of [inside, outside]) {
      await exec('ip', ['netns', 'add', name]);
      await exec('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    await exec('ip', ['-n', inside, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'eth0', 'netns', outside]);
    await exec('ip', ['-n', inside, 'address', 'add', `${world.host}/24`, 'dev', 'eth0']);
    await exec('ip', ['-n', outside, 'address', 'add', `${world.outside}/24`, 'dev', 'eth0']);
    for (const name of [inside, outside]) await exec('ip', ['-n', name, 'link', 'set', 'eth0', 'up']);
    await exec('ip', ['-n', inside, 'route', 'add', 'default', 'via', world.outside]);
  }

  async #endNamespace(name: string): Promise<void> {
    const { stdout } = await exec('ip', ['netns', 'pids', name], { okCodes: [0, 1, 255] });
    for (const pid of stdout.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await exec('ip', ['netns', 'delete', name], { okCodes: [0, 1] });
  }

  /** Any program on this host. */
  run(program: string, args: readonly string[], options: ExecOptions = {}): Promise<Output> {
    const env = { ...vmmEnv(this.dataDir, this.home), ...options.env };
    return exec('ip', ['netns', 'exec', this.namespace, program, ...args], { ...options, env });
  }

  /** Any program in the world outside. */
  outside(program: string, args: readonly string[], options: ExecOptions = {}): Promise<Output> {
    return exec('ip', ['netns', 'exec', this.#outside, program, ...args], options);
  }

  /** `vmm` with these words; throws with its output when it fails. */
  vmm(args: readonly string[], options: ExecOptions = {}): Promise<Output> {
    return this.run(vmmProgram, args, { timeoutMs: 240_000, cwd: this.scratch, ...options });
  }

  /** `vmm … --json`, parsed. The caller says what it expects. */
  async json(args: readonly string[], options: ExecOptions = {}): Promise<unknown> {
    return JSON.parse((await this.vmm([...args, '--json'], options)).stdout);
  }

  /** `vmm` that must fail with this code of the error catalogue; returns what it printed. */
  async vmmFails(args: readonly string[], code: string, options: ExecOptions = {}): Promise<Output> {
    const all = Array.from({ length: 256 }, (_, exitCode) => exitCode);
    const output = await this.vmm([...args, '--json'], { ...options, okCodes: all });
    assert.notEqual(output.exitCode, 0, `vmm ${args.join(' ')} succeeded: ${output.stdout}`);
    const printed = output.stdout + output.stderr;
    assert.match(printed, new RegExp(`"code": ?"${code}"`), `vmm ${args.join(' ')}: ${printed}`);
    return output;
  }

  /** A key pair in the home's .ssh; returns the public key's path. */
  async sshKey(): Promise<string> {
    const path = join(this.home, '.ssh', 'id_ed25519');
    await mkdir(join(this.home, '.ssh'), { recursive: true, mode: 0o700 });
    await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
    return `${path}.pub`;
  }

  /** A DNS server in the world outside that knows one name; ended with the host. Returns its address. */
  async startDns(): Promise<string> {
    const { startInNamespace } = await import('./start-in-namespace.ts');
    const script = join(checkout, 'test/support/dns-server.ts');
    const end = await startInNamespace(this.#outside, process.execPath, [
      script,
      world.outside,
      world.name,
      world.outside,
    ]);
    this.#cleanups.unshift(end);
    return world.outside;
  }

  /** Something that answers every TCP connection to `port` with `text`, on this host or in the world outside. */
  async startGreeter(where: 'host' | 'outside', port: number, text: string): Promise<void> {
    const { startInNamespace } = await import('./start-in-namespace.ts');
    const script = join(checkout, 'test/support/greeter.ts');
    const namespace = where === 'host' ? this.namespace : this.#outside;
    this.#cleanups.unshift(await startInNamespace(namespace, process.execPath, [script, String(port), text]));
  }

  /** Every process in this host's network namespace. */
  async processes(): Promise<{ readonly pid: number; readonly command: string }[]> {
    const { stdout } = await exec('ip', ['netns', 'pids', this.namespace], { okCodes: [0, 1] });
    const pids = stdout.split('\n').filter(Boolean).map(Number);
    return await Promise.all(pids.map(async (pid) => ({ pid, command: await commandOf(pid) })));
  }

  /** What a host without VMs must not have. Empty when all is well. */
  async leftovers(): Promise<string[]> {
    const links = (await exec('ip', ['-n', this.namespace, '-o', 'link'])).stdout;
    const tables = (await this.run('nft', ['list', 'tables'])).stdout;
    const processes = await this.processes();
    const files = await Promise.all(
      [this.files.vms, this.files.mounts, this.files.sockets, this.files.logs, this.files.tmp].map(async (folder) =>
        (await readdir(folder).catch(() => [])).map((name) => `file ${join(folder, name)}`),
      ),
    );
    return [
      ...links
        .split('\n')
        .flatMap((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? [])
        .filter((name) => name !== 'lo' && name !== 'eth0')
        .map((name) => `interface ${name}`),
      ...tables
        .split('\n')
        .filter(Boolean)
        .map((table) => `nft ${table}`),
      ...processes
        .filter(({ command }) => /qemu-system|virtiofsd|vmm/.test(command) && !command.includes('test/support/'))
        .map(({ pid, command }) => `process ${pid} ${command}`),
      ...files.flat(),
    ];
  }

  /** Ends the daemon, which is all that may be running once every VM is deleted, and checks that nothing else is left. */
  async assertEmpty(): Promise<void> {
    await this.vmm(['daemon', 'stop'], { okCodes: [0, 1, 6] });
    await this.until(async () => (await this.leftovers()).length === 0, 10_000).catch(() => undefined);
    assert.deepEqual(await this.leftovers(), []);
  }

  /** Resolves once `check` is true; throws after `timeoutMs`. */
  async until(check: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await check())) {
      if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs} ms: ${check}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  get socket(): string {
    return daemonSocket(this.dataDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.#cleanups) await cleanup().catch((error) => console.error(error));
    await rm(this.scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Its command line, or nothing when it has just ended. */
async function commandOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trim();
}
