import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResultLine } from './results-reporter.ts';
import { lastLine, tally } from './tally.ts';

const result = (outcome: ResultLine['outcome']): ResultLine => ({ outcome, title: 't', file: 'f', durationMs: 1 });

test('the last line counts passed and failed, and skipped only when there are any', () => {
  assert.equal(lastLine(tally([result('passed'), result('passed'), result('failed')])), '2 passed, 1 failed');
  assert.equal(lastLine(tally([result('passed'), result('skipped')])), '1 passed, 0 failed, 1 skipped');
});
