import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openStateStore } from '../../../src/adapters/state/open-state-store.ts';
import { vmRow } from './rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmm-state-bad-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const moduleOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Writes a VM, an event and a setting in one transaction, over and over, and prints the number of each that is done. */
const writer = `
  const { openStateStore } = await import(${moduleOf('../../../src/adapters/state/open-state-store.ts')});
  const { vmRow } = await import(${moduleOf('./rows.ts')});
  import { writeSync } from 'node:fs';
  const store = openStateStore(process.argv[1]);
  for (let n = store.listVms().length; ; n++) {
    store.transaction(() => {
      store.insertVm(vmRow('vm' + n));
      store.appendEvent({ type: 'vm.created', subject: 'vm' + n, message: '', at: new Date() });
      store.setSetting('count', String(n + 1));
    });
    writeSync(1, n + 1 + '\\n');
  }`;

describe('a state store whose process is killed', () => {
  it('has everything it acknowledged and nothing by half', async () => {
    const path = join(folder, 'killed.db');
    let acknowledged = 0;
    for (const lifeMs of [0, 5, 11, 23, 40, 61]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output = text(child.stdout);
      await once(child.stdout, 'readable');
      await delay(lifeMs);
      child.kill('SIGKILL');
      acknowledged = Math.max(acknowledged, ...(await output).trim().split('\n').map(Number));
      const store = openStateStore(path);
      const count = store.listVms().length;
      assert.ok(count >= acknowledged, `${count} rows of ${acknowledged} that were acknowledged`);
      assert.equal(store.listEvents({ after: 0, subject: undefined, limit: 100_000 }).length, count);
      assert.equal(store.getSetting('count'), String(count));
      store.close();
    }
    assert.ok(acknowledged > 6);
    const shell = new DatabaseSync(path);
    assert.deepEqual(
      shell
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => row.integrity_check),
      ['ok'],
    );
    shell.close();
  });
});

describe('a state store on a full disk', () => {
  it('says disk_full, keeps what it has, and goes on once there is room', { skip: process.geteuid?.() !== 0 }, () => {
    const disk = mkdtempSync(join(folder, 'full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'vmm-test', disk]);
    try {
      const store = openStateStore(join(disk, 'vmm.db'));
      store.insertVm(vmRow('before'));
      const ballast = join(disk, 'ballast');
      assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 * 1024 ** 2)), { code: 'ENOSPC' });
      const fill = () => {
        for (let n = 0; n < 100; n++) store.setSetting(`key${n}`, 'x'.repeat(20_000));
      };
      assert.throws(fill, { code: 'disk_full' });
      assert.throws(() => store.transaction(fill), { code: 'disk_full' });
      assert.equal(store.findVm('before')?.vm.name, 'before');
      assert.throws(() => openStateStore(join(disk, 'other.db')), { code: 'disk_full' });
      rmSync(ballast);
      store.insertVm(vmRow('after'));
      assert.equal(store.listVms().length, 2);
      store.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('still takes what stops and deletes VMs, in room set aside for that', { skip: process.geteuid?.() !== 0 }, () => {
    const disk = mkdtempSync(join(folder, 'reserve-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'vmm-test', disk]);
    try {
      const store = openStateStore(join(disk, 'vmm.db'));
      assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(8 * 1024 ** 2)), { code: 'ENOSPC' });
      for (let n = 0; n < 10; n++) {
        store.insertVm(vmRow(`vm${n}`));
        store.transaction(() => store.setSetting('note', 'x'.repeat(20_000 + n)));
      }
      assert.equal(store.listVms().length, 10);
      store.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
