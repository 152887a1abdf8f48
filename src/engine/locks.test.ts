import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Locks } from './locks.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('locks', () => {
  it('serve those who wait in the order in which they came', async () => {
    const locks = new Locks();
    const order: number[] = [];
    const worker = async (index: number) => {
      await using _lock = await locks.wait('vm', 'work');
      order.push(index);
      await turn();
      order.push(index);
    };
    await Promise.all([1, 2, 3].map(worker));
    assert.deepEqual(order, [1, 1, 2, 2, 3, 3]);
  });

  it('refuse who will not wait, naming what the present holder does', async () => {
    const locks = new Locks();
    const held = await locks.take('id', 'web1', 'start');
    const waiting = locks.wait('id', 'stop');
    await assert.rejects(locks.take('id', 'web1', 'delete'), { code: 'vm_busy', message: /about to start it/ });
    await held[Symbol.asyncDispose]();
    await assert.rejects(locks.take('id', 'web1', 'delete'), { code: 'vm_busy', message: /about to stop it/ });
    await (await waiting)[Symbol.asyncDispose]();
    await (await locks.take('id', 'web1', 'delete'))[Symbol.asyncDispose]();
  });

  it('refuse nobody for the sake of cleaning up, but let it finish first', async () => {
    const locks = new Locks();
    const tidying = await locks.tidy('id');
    let taken = false;
    const taking = locks.take('id', 'web1', 'start').then((lock) => {
      taken = true;
      return lock;
    });
    await turn();
    assert.equal(taken, false);
    await assert.rejects(locks.take('id', 'web1', 'start'), { code: 'vm_busy' });
    await tidying[Symbol.asyncDispose]();
    await (await taking)[Symbol.asyncDispose]();
  });

  it('do not meet when their names differ', async () => {
    const locks = new Locks();
    await using _one = await locks.take('a', 'a', 'start');
    await using _two = await locks.take('b', 'b', 'start');
  });
});
