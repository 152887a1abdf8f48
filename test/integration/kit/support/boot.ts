import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCommandRunner } from '../../../../src/adapters/host/create-command-runner.ts';
import { systemClock } from '../../../../src/adapters/host/system-clock.ts';
import { createVolumeStore } from '../../../../src/adapters/storage/create-volume-store.ts';
import { agentPort, type RootKind, vmKernelArgs } from '../../../../src/domain/guest-protocol.ts';
import { seedContents } from '../../../../src/domain/seed.ts';
import type { Kit } from '../../../../src/ports/guest-kit.ts';
import { exec, type Output } from '../../../support/exec.ts';
import type { Bench } from './bench.ts';

export interface GuestPlan {
  readonly root: RootKind;
  /** The disk, the copy mounts, and for an overlay the base. */
  readonly drives: readonly { readonly path: string; readonly readOnly: boolean }[];
  readonly seed: Omit<
    Parameters<typeof seedContents>[0],
    'hostPrivateKey' | 'hostPublicKey' | 'network' | 'dns' | 'machineId' | 'authorizedKeys'
  >;
  readonly extraKeys?: readonly string[];
}

/** A guest on a plain q35 machine: its devices are on the PCI bus, unlike those of the engine's own tests. */
export interface Guest {
  ssh(command: string): Promise<Output>;
  pressPowerButton(): Promise<void>;
  askAgent(execute: string): Promise<void>;
  /** The console's text once the guest has powered off; fails when it does not in time. */
  ended(): Promise<string>;
  kill(): void;
}

export interface Keys {
  readonly path: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

export async function makeKeys(scratch: string, name: string): Promise<Keys> {
  const path = join(scratch, name);
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
  return { path, privateKey: await readFile(path, 'utf8'), publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() };
}

const port = 22_022;
const mac = '02:00:00:00:00:02';

export async function boot(bench: Bench, kit: Kit, user: Keys, host: Keys, plan: GuestPlan): Promise<Guest> {
  const at = (name: string) => join(bench.scratch, name);
  const volumes = createVolumeStore({ runner: createCommandRunner(), layout: bench.paths, clock: systemClock });
  const seed = await volumes.writeSeed(
    'guest',
    seedContents({
      ...plan.seed,
      machineId: '0123456789abcdef0123456789abcdef',
      hostPrivateKey: host.privateKey,
      hostPublicKey: host.publicKey,
      authorizedKeys: [user.publicKey, ...(plan.extraKeys ?? [])],
      dns: ['192.0.2.53'],
      network: { address: '172.16.0.2', prefix: 16, gateway: '172.16.0.1', mac, mtu: 1500 },
    }),
  );
  const drives = [...plan.drives, { path: seed, readOnly: true }, { path: kit.modulesPath, readOnly: true }];
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...[
        '-M',
        'q35',
        '-accel',
        'tcg,thread=multi',
        '-cpu',
        'max,la57=off',
        '-m',
        '256',
        '-nodefaults',
        '-no-user-config',
      ],
      ...['-display', 'none', '-no-reboot', '-kernel', kit.vmlinuxPath, '-initrd', kit.initramfsPath],
      ...[
        '-append',
        ['console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable', ...vmKernelArgs(plan.root)].join(' '),
      ],
      ...['-serial', `file:${at('console')}`, '-qmp', `unix:${at('qmp')},server=on,wait=off`],
      ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=ga,path=${at('ga')},server=on,wait=off`],
      ...['-device', `virtserialport,chardev=ga,name=${agentPort}`, '-device', `virtio-net-pci,netdev=n,mac=${mac}`],
      ...['-netdev', `user,id=n,net=172.16.0.0/16,host=172.16.0.1,hostfwd=tcp:127.0.0.1:${port}-172.16.0.2:22`],
      ...drives.flatMap(({ path, readOnly }, index) => [
        ...['-drive', `file=${path},if=none,id=d${index},format=raw,readonly=${readOnly ? 'on' : 'off'}`],
        ...['-device', `virtio-blk-pci,drive=d${index}`],
      ]),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${host.publicKey}\n`);
  const guest = guestOf(qemu, at, user);
  try {
    await answersSsh(guest, qemu, at('console'));
  } catch (error) {
    guest.kill();
    throw error;
  }
  return guest;
}

function guestOf(qemu: ChildProcess, at: (name: string) => string, user: Keys): Guest {
  const exited = once(qemu, 'exit');
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${at('known_hosts')}`,
    'BatchMode=yes',
    'LogLevel=ERROR',
  ];
  return {
    ssh: (command) =>
      exec(
        'ssh',
        [
          '-F',
          'none',
          '-i',
          user.path,
          '-p',
          String(port),
          ...options.flatMap((option) => ['-o', option]),
          'root@127.0.0.1',
          command,
        ],
        { timeoutMs: 30_000, okCodes: [0, 1, 255] },
      ),
    pressPowerButton: () => say(at('qmp'), ['{"execute":"qmp_capabilities"}', '{"execute":"system_powerdown"}']),
    askAgent: (execute) => say(at('ga'), [JSON.stringify({ execute })]),
    async ended() {
      const late = sleep(30_000, 'late', { ref: false });
      if ((await Promise.race([exited, late])) === 'late')
        throw new Error(`no end:\n${await readFile(at('console'), 'utf8')}`);
      return readFile(at('console'), 'utf8');
    },
    kill: () => void qemu.kill('SIGKILL'),
  };
}

async function answersSsh(guest: Guest, qemu: ChildProcess, console: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline && qemu.exitCode === null) {
    if ((await guest.ssh('true')).exitCode === 0) return;
    await sleep(200);
  }
  throw new Error(`The guest does not answer ssh:\n${(await readFile(console, 'utf8')).slice(-3_000)}`);
}

/** Sends lines and waits for an answer to the last, or for the end of the connection. */
async function say(path: string, lines: readonly string[]): Promise<void> {
  const socket = createConnection(path);
  socket.write(`${lines.join('\n')}\n`);
  await once(socket, 'data', { signal: AbortSignal.timeout(10_000) });
  await sleep(200);
  socket.destroy();
}
