import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** One line of the results file. */
export interface ResultLine {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly title: string;
  readonly file: string;
  readonly durationMs: number;
  readonly failure?: string;
}

/** A parent that failed only because of its subtests, which count by themselves. A hook that threw is a failure of its own. */
function countsBySubtests(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'failureType' in error && error.failureType === 'subtestsFailed'
  );
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** A result for the events that end a test; undefined for all others. */
export function resultOf(event: TestEvent): ResultLine | undefined {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { name, file = '', nesting, details, skip, todo } = event.data;
  const line = { title: name, file, durationMs: details.duration_ms };
  if (event.type === 'test:fail') {
    const error: unknown = 'error' in details ? details.error : undefined;
    if (countsBySubtests(error)) return undefined;
    if (todo !== undefined && todo !== false) return { ...line, outcome: 'skipped' };
    return { ...line, outcome: 'failed', failure: inspect(causeOf(error), { depth: 6 }) };
  }
  if (details.type === 'suite') return undefined;
  // A file without any test is reported as a test that passed, named as the file.
  if (nesting === 0 && (file === name || file.endsWith(`/${name}`))) return undefined;
  const skipped = (skip !== undefined && skip !== false) || (todo !== undefined && todo !== false);
  return { ...line, outcome: skipped ? 'skipped' : 'passed' };
}

// biome-ignore lint/style/noDefaultExport: node --test-reporter loads the default export.
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const result = resultOf(event);
    if (result !== undefined) yield `${JSON.stringify(result)}\n`;
  }
}
