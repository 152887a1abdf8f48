import type { CommandRunner } from '../../ports/command-runner.ts';
import { systemPath } from './environment.ts';
import { run } from './run.ts';
import { startDetached } from './start-detached.ts';
import { stream } from './stream.ts';
import { which } from './which.ts';

/** `path`: where programs are searched, the system's directories unless told otherwise. */
export function createCommandRunner({ path = systemPath }: { readonly path?: string } = {}): CommandRunner {
  return {
    run: (command) => run(command, path),
    stream: (command) => stream(command, path),
    startDetached: (command) => startDetached(command, path),
    which: (program) => which(program, path),
  };
}
