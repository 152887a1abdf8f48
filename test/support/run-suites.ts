/** Runs the suites named on the command line (all without any) and adds up their results. See scripts/test.sh. */
import { join, relative } from 'node:path';
import type { ResultLine } from './results-reporter.ts';
import { runSuite } from './run-suite.ts';
import { listSuites, type Suite, type SuiteGroup, suiteGroups } from './suites.ts';
import { lastLine, tally } from './tally.ts';

const root = join(import.meta.dirname, '../..');
const totalBudgetMs = 20 * 60_000;

function pickGroups(words: readonly string[]): SuiteGroup[] {
  const unknown = words.find((word) => !suiteGroups.some((group) => group === word));
  if (unknown !== undefined) {
    console.error(`error: unknown suite: ${unknown}\nhint: choose from ${suiteGroups.join(', ')}`);
    process.exit(2);
  }
  return words.length === 0 ? [...suiteGroups] : suiteGroups.filter((group) => words.includes(group));
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const marks = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' } as const;

function printResult(suite: Suite, result: ResultLine): void {
  const loud = result.outcome === 'failed' || suite.kind === 'check' || suite.verbose;
  if (loud) console.log(`  ${marks[result.outcome].padEnd(8)}${result.title} (${seconds(result.durationMs)})`);
}

function printFailures(failures: readonly { suite: string; result: ResultLine }[]): void {
  for (const { suite, result } of failures) {
    const where = result.file.startsWith('/') ? relative(root, result.file) : result.file;
    console.log(`\nFAILED  ${suite}: ${result.title}\n  in ${where}`);
    console.log((result.failure ?? '').replaceAll(/^/gm, '    '));
  }
}

async function main(): Promise<number> {
  const begun = Date.now();
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());
  const all: ResultLine[] = [];
  const failures: { suite: string; result: ResultLine }[] = [];
  const summaries: string[] = [];
  for (const suite of listSuites(root, pickGroups(process.argv.slice(2)))) {
    if (interrupted.signal.aborted) break;
    console.log(`==> ${suite.name} (at most ${suite.budgetSeconds} s)`);
    const suiteBegun = Date.now();
    const results = await runSuite(suite, {
      root,
      env: process.env,
      signal: interrupted.signal,
      remainingMs: () => totalBudgetMs - (Date.now() - begun),
      onResult: (result) => printResult(suite, result),
    });
    if (results.length === 0) {
      const failure = 'A suite without a single test proves nothing.';
      results.push({ outcome: 'failed', title: 'the suite has tests', file: suite.name, durationMs: 0, failure });
    }
    all.push(...results);
    for (const result of results) if (result.outcome === 'failed') failures.push({ suite: suite.name, result });
    const { passed, failed, skipped } = tally(results);
    const took = seconds(Date.now() - suiteBegun);
    summaries.push(
      `${suite.name.padEnd(28)}${passed} passed, ${failed} failed, ${skipped} skipped`.padEnd(66) + took.padStart(9),
    );
    console.log(`  ${summaries.at(-1)}`);
  }
  printFailures(failures);
  console.log(`\n${summaries.join('\n')}\n`);
  console.log(lastLine(tally(all)));
  return failures.length > 0 || interrupted.signal.aborted ? 1 : 0;
}

process.exitCode = await main();
