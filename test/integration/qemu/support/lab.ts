import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGuestChannel } from '../../../../src/adapters/guest/create-guest-channel.ts';
import { createCommandRunner } from '../../../../src/adapters/host/create-command-runner.ts';
import { createProcessTable } from '../../../../src/adapters/host/create-process-table.ts';
import { systemClock } from '../../../../src/adapters/host/system-clock.ts';
import { consoleTailOfRun } from '../../../../src/adapters/hypervisor/qemu/console-log.ts';
import { createQemu } from '../../../../src/adapters/hypervisor/qemu/create-qemu.ts';
import type { QemuDeps } from '../../../../src/adapters/hypervisor/qemu/deps.ts';
import { createVolumeStore } from '../../../../src/adapters/storage/create-volume-store.ts';
import type { Mount } from '../../../../src/contract/resources/vm.ts';
import { handOverMark, vmKernelArgs } from '../../../../src/domain/guest-protocol.ts';
import { layout } from '../../../../src/domain/layout.ts';
import { seedContents } from '../../../../src/domain/seed.ts';
import type { BootFiles, LaunchPlan, VmExit, VmHandle, VmmRecord } from '../../../../src/ports/hypervisor.ts';
import { exec } from '../../../support/exec.ts';

type KeyPair = { readonly privateKey: string; readonly publicKey: string };
type TestKit = BootFiles & { readonly modulesPath: string };

const applets = ['sh', 'cat', 'ls', 'echo', 'reboot', 'sync', 'head', 'touch', 'mkdir', 'nproc'];

const cacheDir = () => process.env.VMM_TEST_CACHE ?? join(homedir(), '.cache', 'vmm-test');

/** The kit of this machine's tests, built once and kept. */
async function testKit(): Promise<TestKit> {
  const cache = cacheDir();
  await mkdir(join(cache, 'data'), { recursive: true });
  const script = join(import.meta.dirname, 'build-kit.ts');
  const { stdout } = await exec('flock', [join(cache, 'lock'), process.execPath, script, join(cache, 'data')], {
    timeoutMs: 600_000,
  });
  return JSON.parse(stdout) as TestKit;
}

/**
 * The engine on a data directory of its own, with a kit and a small image to boot. The verdict of the canaries is shared
 * by the tests of a machine, unless one wants canaries of its own.
 */
export async function openLab({ ownCanaries = false } = {}) {
  const scratch = await mkdtemp(join(tmpdir(), 'q-'));
  const paths = layout(join(scratch, 'd'));
  await mkdir(paths.logs, { recursive: true });
  const runner = createCommandRunner();
  const processes = createProcessTable({ clock: systemClock });
  const state = ownCanaries ? paths.state : join(cacheDir(), 'verdict');
  const deps: QemuDeps = { runner, processes, clock: systemClock, layout: { state, tmp: paths.tmp } };
  const kit = await testKit();
  const image = join(scratch, 'image.ext4');
  await makeImage(scratch, image);
  const channel = createGuestChannel(deps);
  const volumes = createVolumeStore({ runner, layout: paths, clock: systemClock });
  const keys = await channel.generateKeyPair('test');
  const records: VmmRecord[] = [];
  const qemu = createQemu(deps);

  /** A plan of a whole guest, with the tiny init and its shell at the console. */
  const vmPlan = async (name: string, mounts: readonly Mount[] = []): Promise<LaunchPlan> => {
    await mkdir(paths.vmDir(name), { recursive: true });
    const disk = join(paths.vmDir(name), 'disk.img');
    await cp(image, disk);
    const seed = await volumes.writeSeed(name, seedFilesOf(name, keys, mounts));
    return {
      ...barePlan(name),
      kernelArgs: vmKernelArgs('disk'),
      drives: [
        { id: 'disk', path: disk, readOnly: false },
        { id: 'seed', path: seed, readOnly: true },
        { id: 'modules', path: kit.modulesPath, readOnly: true },
      ],
      shares: mounts.map(({ tag, source, mode }) => ({ tag, source, readOnly: mode === 'ro' })),
    };
  };

  /** A plan without any drive: a guest of the role `canary` boots and powers off, one of the role `vm` panics. */
  const barePlan = (name: string): LaunchPlan => ({
    vmId: name,
    name,
    cpus: 1,
    memoryMiB: 256,
    boot: kit,
    kernelArgs: ['vmm.role=canary'],
    drives: [],
    nic: undefined,
    shares: [],
    runtimeDir: paths.vmRuntime(name),
    consoleLogPath: paths.consoleLog(name),
  });

  const remember = async (record: VmmRecord) => void records.push(record);

  return {
    scratch,
    paths,
    kit,
    deps,
    qemu,
    channel,
    barePlan,
    vmPlan,
    records,
    launch: (plan: LaunchPlan) => qemu.launch(plan, remember, AbortSignal.timeout(120_000)),
    /** Ends all that was started and removes all files. */
    async close() {
      for (const record of records) await qemu.clear(record);
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
export type Lab = Awaited<ReturnType<typeof openLab>>;

function seedFilesOf(name: string, keys: KeyPair, mounts: readonly Mount[]) {
  return seedContents({
    name,
    machineId: '0123456789abcdef0123456789abcdef',
    hostPrivateKey: keys.privateKey,
    hostPublicKey: keys.publicKey,
    authorizedKeys: [],
    dns: [],
    network: { address: '172.16.0.2', prefix: 16, gateway: '172.16.0.1', mac: '02:00:00:00:00:02', mtu: 1500 },
    mounts,
    image: {
      hasSshd: false,
      hasAgent: false,
      workdir: '/',
      user: 'root',
      entrypoint: [],
      cmd: [],
      env: [],
    },
  });
}

/** A root file system of busybox alone. */
async function makeImage(scratch: string, path: string): Promise<void> {
  const tree = join(scratch, 'tree');
  for (const folder of ['bin', 'etc', 'root', 'proc', 'sys', 'dev', 'run', 'mnt']) {
    await mkdir(join(tree, folder), { recursive: true });
  }
  const { stdout } = await exec('sh', ['-c', 'command -v busybox']);
  await cp(stdout.trim(), join(tree, 'bin/busybox'));
  for (const applet of applets) await symlink('busybox', join(tree, 'bin', applet));
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await exec('mke2fs', ['-q', '-t', 'ext4', '-d', tree, path, '32M']);
}

/** Waits until the console of this run has said `text`; fails with what it did say. */
export async function consoleSays(plan: LaunchPlan, text: string, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const said = await consoleTailOfRun(plan.consoleLogPath);
    if (said.includes(text)) return;
    if (performance.now() > deadline) throw new Error(`The console did not say "${text}" but:\n${said}`);
    await sleep(50);
  }
}

/** Waits for the shell's prompt at the console: what is typed before it can be lost when the shell changes the terminal. */
export async function guestRuns(plan: LaunchPlan): Promise<void> {
  await consoleSays(plan, handOverMark);
  await consoleSays(plan, '~ # ');
}

/** Types a line at the guest's console. */
export async function type(handle: VmHandle, line: string): Promise<void> {
  const socket = createConnection(handle.consoleSocketPath);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(`${line}\n`, () => resolve());
  });
  // QEMU must have read it before the connection ends.
  await sleep(300);
  socket.destroy();
}

/** The end of a VM; fails with what its console said when it does not come. */
export async function endOf(handle: VmHandle, timeoutMs = 60_000): Promise<VmExit> {
  const late = sleep(timeoutMs, undefined, { ref: false });
  const exit = await Promise.race([handle.exited, late]);
  if (exit !== undefined) return exit;
  throw new Error(`The guest did not end:\n${await consoleTailOfRun(handle.record.consoleLogPath)}`);
}
