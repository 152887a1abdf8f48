import { asVmmError, type VmmError } from '../contract/errors.ts';
import type { Progress } from '../contract/stream.ts';
import type { Cli } from './cli.ts';
import { type ErrorJson, errorJson, exitCodeOf, printError } from './output/print-error.ts';
import { createProgressView, type ProgressView } from './output/progress-view.ts';

const atOnce = 8;

/** Shows progress while `work` runs. */
export async function withProgress<T>(cli: Cli, work: (view: ProgressView) => Promise<T>): Promise<T> {
  const view = await createProgressView(cli.stderr, cli.options.progress ?? 'auto');
  try {
    return await work(view);
  } finally {
    view.close();
  }
}

/** Listeners for a `progress` call on one subject. */
export function showOn(view: ProgressView, subject: string) {
  return {
    onProgress: (progress: Progress) => view.update(subject, progress),
    onNotice: (message: string) => view.notice(message),
  };
}

/** Tells the notices of a result to a person; --json has them in its answer. */
export function tellNotices(cli: Cli, view: ProgressView, notices: readonly string[]): void {
  if (cli.options.json !== true) for (const notice of notices) view.notice(notice);
}

/** What came of one name: a sentence for people and fields for --json. */
export interface NamedWork {
  readonly text: string;
  readonly json: object;
}

export type NamedResult = { readonly name: string; readonly error?: ErrorJson };

/**
 * Runs `work` for each name, some at once, and prints its sentence as soon as it is done. A failure is printed with its
 * name and does not stop the others; the exit code is the worst of all. Returns one entry a name, in order, for --json.
 */
export async function forEachName(
  cli: Cli,
  names: readonly string[],
  work: (name: string, view: ProgressView) => Promise<NamedWork>,
): Promise<readonly NamedResult[]> {
  const wanted = [...new Set(names)];
  const results = new Map<string, NamedResult>();
  const failures: { readonly name: string; readonly error: VmmError }[] = [];
  await withProgress(cli, async (view) => {
    const waiting = [...wanted];
    const worker = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        try {
          const { text, json } = await work(name, view);
          view.end(name);
          if (cli.options.json !== true) cli.stdout.write(`${text}\n`);
          results.set(name, { name, ...json });
        } catch (thrown) {
          const error = asVmmError(thrown);
          view.end(name);
          failures.push({ name, error });
          results.set(name, { name, error: errorJson(error) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, worker));
  });
  for (const { name, error } of failures) {
    cli.exitCode = Math.max(cli.exitCode, exitCodeOf(error));
    if (cli.options.json === true) continue;
    const prefix = wanted.length > 1 ? `${name}: ` : '';
    printError(error, { stderr: cli.stderr, json: false, debug: cli.options.debug ?? false, prefix });
  }
  return wanted.flatMap((name) => results.get(name) ?? []);
}
