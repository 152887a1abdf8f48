import { stat } from 'node:fs/promises';
import type { CommandRunner } from '../../../ports/command-runner.ts';

/**
 * Asks a program something once for each file that is installed: every start would pay for the question otherwise. An
 * upgrade under a running daemon makes another file, and the question is asked again.
 */
export function rememberByFile<T>(
  runner: Pick<CommandRunner, 'which'>,
  program: string,
  ask: (signal: AbortSignal) => Promise<T>,
): (signal: AbortSignal) => Promise<T> {
  let known: { readonly file: string; readonly answer: T } | undefined;
  return async (signal) => {
    const path = await runner.which(program);
    const found = path === undefined ? undefined : await stat(path).catch(() => undefined);
    const file = found === undefined ? undefined : `${path} ${found.ino} ${found.mtimeMs} ${found.size}`;
    if (known !== undefined && known.file === file) return known.answer;
    const answer = await ask(signal);
    known = file === undefined ? undefined : { file, answer };
    return answer;
  };
}
