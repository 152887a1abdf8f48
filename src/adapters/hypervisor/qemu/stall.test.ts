import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, quiet } from '../../../fakes/fake-clock.ts';
import { StallWatch } from './stall.ts';

const noSpace = { name: 'BLOCK_IO_ERROR', data: { device: '', operation: 'write', action: 'stop', nospace: true } };
const full = /file system of its disk is full/;

/** A QEMU whose disk has room or not; it answers as QEMU 7.2 does. */
function heldGuest() {
  const clock = new FakeClock();
  clock.auto = false;
  const end = new AbortController();
  const commands: string[] = [];
  const qemu = { status: 'running', room: false, connected: true };
  const watch = new StallWatch({
    clock,
    signal: end.signal,
    execute: async (command) => {
      if (!qemu.connected) throw new Error('not connected');
      commands.push(command);
      if (command === 'query-status') return { status: qemu.status, running: qemu.status === 'running' };
      if (qemu.room) qemu.status = 'running';
      else watch.onEvent(noSpace);
      return {};
    },
  });
  const told: (string | undefined)[] = [];
  const hold = () => {
    qemu.status = 'io-error';
    watch.onEvent(noSpace);
  };
  const tries = () => commands.filter((command) => command === 'cont').length;
  return { clock, end, qemu, watch, told, hold, tries, listen: () => watch.listen((trouble) => told.push(trouble)) };
}

describe('a guest that QEMU holds for want of room', () => {
  it('is told of, tried again every few seconds, and told of once it goes on', async () => {
    const { clock, qemu, told, hold, tries, listen } = heldGuest();
    listen();
    assert.deepEqual(told.splice(0), [undefined]);
    hold();
    assert.match(told[0] ?? '', full);
    await clock.advance(13_000);
    assert.equal(tries(), 3);
    assert.ok(told.every((trouble) => trouble !== undefined));
    qemu.room = true;
    await clock.advance(5_000);
    assert.equal(tries(), 4);
    assert.equal(told.at(-1), undefined);
    await clock.advance(60_000);
    assert.equal(tries(), 4);
    assert.equal(clock.sleeping, 0);
  });

  it('is found by whoever connects later', async () => {
    const { qemu, watch, told, listen } = heldGuest();
    qemu.status = 'io-error';
    await watch.look();
    listen();
    assert.match(told[0] ?? '', full);
  });

  it('is tried again after a connection that was lost', async () => {
    const { clock, qemu, told, hold, listen } = heldGuest();
    listen();
    hold();
    qemu.connected = false;
    qemu.room = true;
    await clock.advance(10_000);
    assert.match(told.at(-1) ?? '', full);
    qemu.connected = true;
    await clock.advance(10_000);
    assert.equal(told.at(-1), undefined);
  });

  it('is left alone when it was paused for another reason, or handles the error itself', async () => {
    const { clock, qemu, watch, told, tries, listen } = heldGuest();
    listen();
    qemu.status = 'paused';
    await watch.look();
    watch.onEvent({ name: 'BLOCK_IO_ERROR', data: { operation: 'read', action: 'report' } });
    await clock.advance(10_000);
    assert.equal(tries(), 0);
    assert.deepEqual(told, [undefined]);
  });

  it('is left alone once the VM has ended or was let go of', async () => {
    const { clock, end, told, hold, tries, listen } = heldGuest();
    listen();
    hold();
    end.abort();
    await quiet();
    await clock.advance(60_000);
    assert.equal(tries(), 0);
    assert.equal(told.length, 2);
    assert.equal(clock.sleeping, 0);
  });
});
