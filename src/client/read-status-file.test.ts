import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { PublishedStatus } from '../contract/resources/host.ts';
import { type Vm, vmSpecSchema } from '../contract/resources/vm.ts';
import { readStatusFile } from './read-status-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'vmm-status-'));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'status.json');
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function write(vms: readonly Vm[], overrides: Partial<PublishedStatus> = {}): void {
  const status = { version: '1', bootId, writtenAt: new Date().toISOString(), daemon: null, vms, ...overrides };
  writeFileSync(path, JSON.stringify(status));
}

const phases = () => readStatusFile(path)?.vms.map((vm) => vm.status.phase);
const running = (pid: number): Vm => ({
  id: 'id-web1',
  name: 'web1',
  createdAt: '2026-01-01T00:00:00.000Z',
  spec: vmSpecSchema.parse({}),
  status: { phase: 'running', ready: true, pid },
});

/** A process that has ended, so that its pid is free. */
async function endedPid(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? assert.fail();
}

test('there is no status where no daemon ever ran', () => {
  assert.equal(readStatusFile(join(directory, 'none', 'status.json')), undefined);
});

test('a VM whose process lives is running although the daemon has ended', () => {
  write([running(process.pid)]);
  assert.deepEqual(phases(), ['running']);
  assert.equal(readStatusFile(path)?.daemonAlive, false);
});

test('a VM whose process is gone is stopped', async () => {
  write([running(await endedPid())]);
  assert.deepEqual(phases(), ['stopped']);
});

test('a VM of before the last reboot is stopped, whoever has its pid now', () => {
  write([running(process.pid)], { bootId: '00000000-0000-0000-0000-000000000000' });
  assert.deepEqual(phases(), ['stopped']);
});

test('a process that began after the file was written only has the same pid', () => {
  const earlier = new Date(Date.now() - process.uptime() * 1000 - 60_000).toISOString();
  write([running(process.pid)], { writtenAt: earlier });
  assert.deepEqual(phases(), ['stopped']);
});

test('a living daemon is believed in all it wrote', async () => {
  const pid = await endedPid();
  write([running(pid)], { daemon: { pid: process.pid, socket: '/run/vmm/vmm.sock' } });
  assert.equal(readStatusFile(path)?.daemonAlive, true);
  assert.deepEqual(phases(), ['running']);
});
