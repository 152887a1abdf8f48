import { type Command, Option } from 'commander';
import type { ProgressMode } from './output/progress-view.ts';

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly progress?: ProgressMode;
}

/** Adds one command with the common options and its examples. `usage` is commander's: name and arguments. */
export function leaf(parent: Command, usage: string, summary: string, examples: readonly string[]): Command {
  return withCommonOptions(parent.command(usage).description(summary), examples);
}

/** Title of the options that all commands have. */
export const commonGroup = 'Common options:';

export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  return command
    .addOption(new Option('--json', 'print JSON on stdout').helpGroup(commonGroup))
    .addOption(
      new Option('--progress <mode>', 'how to show progress on stderr; auto: on a terminal alone')
        .choices(['auto', 'plain', 'quiet'])
        .default('auto')
        .helpGroup(commonGroup),
    )
    .addOption(new Option('--debug', 'print stack traces of errors').helpGroup(commonGroup))
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup(commonGroup))
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** For options that may be given several times. `before` is false after the option's own `--no-…`: the last word counts. */
export function collect(value: string, before: readonly string[] | false | undefined): string[] {
  return [...(before || []), value];
}
