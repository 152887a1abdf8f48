import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSerial } from './serial.ts';

test('tasks run one after another in their order, past one that fails', async () => {
  const inTurn = createSerial();
  const log: string[] = [];
  const task = (name: string) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
  };
  const [a, b, c] = ['a', 'b', 'c'].map((name) => inTurn(task(name)));
  await assert.rejects(b ?? Promise.resolve(), /b failed/);
  await Promise.all([a, c]);
  assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
