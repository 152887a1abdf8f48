import type { Command, StreamedProcess } from '../../ports/command-runner.ts';
import { LineSplitter } from './line-splitter.ts';
import { OutputTail } from './output-tail.ts';
import { failureOf, supervise } from './supervise.ts';

const stderrLimit = 256 * 1024;

/** stdout goes to the caller untouched; onLine gets stderr alone. */
export function stream(command: Command, path: string): StreamedProcess {
  const child = supervise(command, path, false);
  const stderr = new OutputTail(stderrLimit);
  const lines = command.onLine === undefined ? undefined : new LineSplitter(command.onLine);
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.write(chunk);
    lines?.write(chunk);
  });
  const done = child.ended.then((outcome) => {
    lines?.end();
    const failure = failureOf(command, outcome, stderr.toString());
    if (failure !== undefined) throw failure;
  });
  // The caller reads stdout first and asks for the verdict afterwards; until then a rejection is not unhandled.
  done.catch(() => undefined);
  return { stdout: child.stdout, done };
}
