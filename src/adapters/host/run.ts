import type { Command, CommandResult } from '../../ports/command-runner.ts';
import { LineSplitter } from './line-splitter.ts';
import { OutputTail } from './output-tail.ts';
import { failureOf, supervise } from './supervise.ts';

/** The tail that is kept; whoever expects more takes stream(). */
const stdoutLimit = 16 * 1024 * 1024;
const stderrLimit = 256 * 1024;

export async function run(command: Command, path: string): Promise<CommandResult> {
  const child = supervise(command, path, true);
  const stdout = new OutputTail(stdoutLimit);
  const stderr = new OutputTail(stderrLimit);
  const splitters = command.onLine === undefined ? [] : [child.stdout, child.stderr].map(splitterOf(command.onLine));
  child.stdout.on('data', (chunk: Buffer) => stdout.write(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk));
  const outcome = await child.ended;
  for (const splitter of splitters) splitter.end();
  const result = { stdout: stdout.toString(), stderr: stderr.toString() };
  const failure = failureOf(command, outcome, result.stderr);
  if (failure !== undefined) throw failure;
  return { exitCode: outcome.exitCode ?? 0, ...result };
}

const splitterOf = (onLine: (line: string) => void) => (stream: NodeJS.ReadableStream) => {
  const splitter = new LineSplitter(onLine);
  stream.on('data', (chunk: Buffer) => splitter.write(chunk));
  return splitter;
};
