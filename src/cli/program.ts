import { Command, type CommanderError, Help } from 'commander';
import { VmmError } from '../contract/errors.ts';
import type { Cli } from './cli.ts';
import { commonGroup } from './leaf.ts';
import { type Noun, nouns } from './nouns.ts';

const intro = 'Lightweight virtual machines on this Linux host.';
const outro = `
Get going:
  $ vmm image pull
  $ vmm create web1 --cpus 2 --memory 1024 --ssh-key ~/.ssh/id_ed25519.pub
  $ vmm start web1
  $ vmm ssh web1

Every command has --help with examples, and --json. Starting VMs needs root or the group vmm.`;

/** The word that decides which file is loaded: the first that is no option, `help` skipped. */
export function typedNoun(args: readonly string[]): Noun | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const word = words[0] === 'help' ? words[1] : words[0];
  return nouns.find((noun) => noun.name === word);
}

/** The command tree with the commands of `loaded` in full and the others by name alone. */
export async function createProgram(cli: Cli, loaded: readonly Noun[]): Promise<Command> {
  const program = new Command('vmm')
    .description(intro)
    .usage('<command> [options]')
    .helpCommand('help [command]', 'Show the help of a command')
    .option('-v, --version', 'show the version')
    .addHelpText('after', outro)
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .configureHelp({ groupItems: commonLast })
    .configureOutput({
      writeOut: (text) => void cli.stdout.write(text),
      writeErr: (text) => void cli.stderr.write(text),
      getOutHelpWidth: () => (cli.stdout.isTTY ? cli.stdout.columns : 100),
      // The error reaches main as a CommanderError and is printed there, in the one form all errors have.
      outputError: () => {},
    })
    .exitOverride();
  program.hook('preAction', (_, command) => {
    cli.options = command.opts();
  });
  for (const noun of nouns) {
    program.commandsGroup(noun.group);
    if (loaded.includes(noun)) (await noun.load()).register(program, cli);
    else program.command(noun.name).description(noun.summary);
  }
  return program;
}

/** A command's own options come before those that all have. */
const commonLast: Help['groupItems'] = (all, visible, groupOf) => {
  const isCommon = (item: (typeof all)[number]) => groupOf(item) === commonGroup;
  const ordered = [...all.filter((item) => !isCommon(item)), ...all.filter(isCommon)];
  return new Help().groupItems(ordered, visible, groupOf);
};

/** A usage error of commander in our form; undefined when the help it printed says all. */
export function usageError(
  error: CommanderError,
  args: readonly string[],
  program: Command | undefined,
): VmmError | undefined {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  const help = `${['vmm', ...typedCommand(program, args)].join(' ')} --help`;
  return new VmmError('invalid_input', `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.$/, '')}.`, {
    hint: suggestion === '' ? `See: ${help}` : `${suggestion} See: ${help}`,
  });
}

/** The words that name the command: `mount list`, or `start`. */
function typedCommand(program: Command | undefined, args: readonly string[]): string[] {
  const noun = program?.commands.find((command) => command.name() === typedNoun(args)?.name);
  if (noun === undefined) return [];
  const next = args.slice(args.indexOf(noun.name()) + 1).find((arg) => !arg.startsWith('-'));
  return [noun, ...noun.commands.filter((command) => command.name() === next)].map((command) => command.name());
}
