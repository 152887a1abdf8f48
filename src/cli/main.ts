import { type Command, CommanderError } from 'commander';
import { exitCodes } from '../contract/errors.ts';
import { createCli, type Installation } from './create-cli.ts';
import { printError } from './output/print-error.ts';
import { createProgram, typedNoun, usageError } from './program.ts';

/** Runs one command line (without node and script) and returns its exit code. */
export async function main(args: readonly string[], installation: Installation): Promise<number> {
  await using session = createCli(process, installation);
  const { cli } = session;
  const wanted = (flag: string) => args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes(flag);
  let program: Command | undefined;
  try {
    if (args[0] === '--version' || args[0] === '-v') {
      cli.stdout.write(`vmm ${installation.version}\n`);
      return 0;
    }
    if (args[0] === '__complete') {
      const { printCompletion } = await import('./completion/complete.ts');
      await printCompletion(cli, args.slice(args[1] === '--' ? 2 : 1));
      return 0;
    }
    const noun = typedNoun(args);
    program = await createProgram(cli, noun === undefined ? [] : [noun]);
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...args], { from: 'user' });
    return cli.exitCode;
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? usageError(thrown, args, program) : thrown;
    // Help that was asked for ends well; help shown for want of a subcommand does not.
    if (error === undefined) return thrown instanceof CommanderError && thrown.exitCode === 0 ? 0 : exitCodes.usage;
    return printError(error, {
      stderr: cli.stderr,
      json: cli.options.json ?? wanted('--json'),
      debug: cli.options.debug ?? wanted('--debug'),
    });
  }
}
