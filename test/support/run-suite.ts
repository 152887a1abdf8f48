import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostTraces } from './host-traces.ts';
import type { ResultLine } from './results-reporter.ts';
import { type Ended, runProgram } from './run-program.ts';
import type { CheckSuite, Suite, TestSuite } from './suites.ts';
import { watchLines } from './watch-lines.ts';

export interface SuiteContext {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** What is left of the whole run's time. */
  readonly remainingMs: () => number;
  readonly onResult: (result: ResultLine) => void;
}

/** Runs a suite and returns a result for each of its tests, and for whatever else went wrong. */
export async function runSuite(suite: Suite, context: SuiteContext): Promise<ResultLine[]> {
  return suite.kind === 'check' ? await runChecks(suite, context) : await runTests(suite, context);
}

async function runChecks(suite: CheckSuite, context: SuiteContext): Promise<ResultLine[]> {
  const results: ResultLine[] = [];
  const deadline = Date.now() + Math.min(suite.budgetSeconds * 1000, context.remainingMs());
  for (const step of suite.steps) {
    const begun = Date.now();
    const ended = await runProgram(step.program, step.args, {
      cwd: context.root,
      env: context.env,
      budgetMs: Math.max(1, deadline - begun),
      signal: context.signal,
    });
    const line = { title: step.title, file: [step.program, ...step.args].join(' '), durationMs: Date.now() - begun };
    const result: ResultLine =
      ended.exitCode === 0 ? { ...line, outcome: 'passed' } : { ...line, outcome: 'failed', failure: why(ended) };
    results.push(result);
    context.onResult(result);
  }
  return results;
}

async function runTests(suite: TestSuite, context: SuiteContext): Promise<ResultLine[]> {
  // Short, since tests put unix sockets below it and sun_path holds 108 bytes.
  const scratch = mkdtempSync(join(tmpdir(), 'vt-'));
  // Tests may run programs as other users, who must be able to pass.
  chmodSync(scratch, 0o755);
  const temporary = join(scratch, 't');
  mkdirSync(temporary);
  const resultsFile = join(scratch, 'results');
  const leftoversFile = join(scratch, 'leftovers');
  const tracesBefore = suite.asRoot ? await hostTraces() : new Set<string>();
  const begun = Date.now();
  const problem = (title: string, failure: string): ResultLine => ({
    outcome: 'failed',
    title,
    file: suite.name,
    durationMs: Date.now() - begun,
    failure,
  });
  const lines = watchLines(resultsFile, (line) => context.onResult(JSON.parse(line)));
  try {
    const node = [
      process.execPath,
      '--test',
      ...suite.nodeArgs,
      `--test-reporter=${join(context.root, 'test/support/results-reporter.ts')}`,
      `--test-reporter-destination=${resultsFile}`,
      ...suite.files,
    ];
    const sandbox = [
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      join(context.root, 'test/support/sandbox.sh'),
      leftoversFile,
    ];
    const [program = process.execPath, ...args] = suite.asRoot ? [...sandbox, ...node] : node;
    const ended = await runProgram(program, args, {
      cwd: context.root,
      env: { ...context.env, TMPDIR: temporary },
      budgetMs: Math.max(1, Math.min(suite.budgetSeconds * 1000, context.remainingMs())),
      signal: context.signal,
    });
    const results: ResultLine[] = lines.finish().map((line) => JSON.parse(line));
    if (ended.timedOut) {
      results.push(problem('the suite ends within its time', `ended after ${(Date.now() - begun) / 1000} s`));
    } else if (ended.exitCode !== 0 && !results.some((result) => result.outcome === 'failed')) {
      results.push(problem('the suite runs', why(ended)));
    }
    const left = suite.asRoot ? leftBehind(leftoversFile, tracesBefore, await hostTraces(), temporary) : [];
    if (left.length > 0 && !ended.timedOut) {
      results.push(problem('the suite leaves nothing behind', left.join('\n')));
    }
    return results;
  } finally {
    lines.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function leftBehind(file: string, before: Set<string>, after: Set<string>, temporary: string): string[] {
  return [
    ...readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean),
    ...[...after].filter((trace) => !before.has(trace)),
    ...readdirSync(temporary).map((name) => `file ${name} in the temporary directory`),
  ];
}

function why(ended: Ended): string {
  if (ended.timedOut) return `its time was up\n${ended.output}`;
  return `${ended.exitCode === undefined ? 'ended by a signal' : `exit code ${ended.exitCode}`}\n${ended.output}`;
}
