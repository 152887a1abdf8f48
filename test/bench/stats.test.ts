import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, ratio, type Series, table } from './stats.ts';

const series = (name: string, ...values: number[]): Series => ({ name, unit: 'ms', values });

test('the median of an even number of values lies between the middle two', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
  assert.throws(() => median([]));
});

test('the table shows a ratio of medians against its limit', () => {
  const [fast, slow] = [series('fast', 10, 30, 20), series('slow', 40)];
  const host = { cpus: 2, cpu: 'a cpu', kernel: '6.1' };
  const text = (limit: number) =>
    table({ bench: 'b', host, series: [fast, slow], verdicts: [ratio('fast over slow', fast, slow, limit)] });
  assert.match(text(0.6), /ok +fast over slow: 0\.5 \(at most 0\.6\)/);
  assert.match(text(0.4), /MISSED +fast over slow: 0\.5 \(at most 0\.4\)/);
});
