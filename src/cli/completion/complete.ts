import type { Argument, Command, Option } from 'commander';
import { readStatusFile } from '../../client/read-status-file.ts';
import { layout } from '../../domain/layout.ts';
import type { Cli } from '../cli.ts';
import { nouns } from '../nouns.ts';
import { createProgram, typedNoun } from '../program.ts';

/** What may stand where the cursor is. `files`: the shell's own file names fit too. */
export interface Candidates {
  readonly words: readonly string[];
  readonly files: boolean;
}

/** Names that completion offers, from the status file: no daemon is asked and none is started. */
export interface KnownNames {
  readonly vms: readonly string[];
  readonly images: readonly string[];
  readonly tags: (vm: string | undefined) => readonly string[];
}

const none: Candidates = { words: [], files: false };

/** Prints candidates for the last of `words` (those after `vmm`), one a line; the first line is `files` or `words`. */
export async function printCompletion(cli: Cli, words: readonly string[]): Promise<void> {
  const { words: found, files } = await complete(cli, words, await readNames(cli));
  cli.stdout.write(`${[files ? 'files' : 'words', ...found].join('\n')}\n`);
}

export async function complete(cli: Cli, words: readonly string[], names: KnownNames): Promise<Candidates> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const startingWith = (all: readonly string[], files = false): Candidates => ({
    words: all.filter((word) => word.startsWith(current)),
    files,
  });
  const noun = typedNoun(before);
  if (noun === undefined || before.at(-1) === 'help') {
    return startingWith(current.startsWith('-') ? ['--help', '--version'] : [...nouns.map(({ name }) => name), 'help']);
  }
  // A command of the guest or arguments of ssh: nothing of ours.
  if (before.includes('--')) return { words: [], files: true };
  const program = await createProgram(cli, [noun]);
  const { command, typed } = descend(program, before);
  const option = findOption(command, before.at(-1));
  if (option !== undefined && (option.required || option.optional)) {
    const values = valuesOfOption(option, names);
    return values === undefined ? { words: [], files: takesFile(option) } : startingWith(values);
  }
  if (current.startsWith('-')) {
    return startingWith(['--help', ...command.options.map((known) => known.long ?? known.short ?? '')]);
  }
  const subcommands = typed.length === 0 ? command.commands.map((sub) => sub.name()) : [];
  const argument = argumentAt(command.registeredArguments, typed.length);
  if (argument === undefined) return subcommands.length > 0 ? startingWith(subcommands) : none;
  const values = valuesOfArgument(command, argument, typed, names);
  return startingWith([...subcommands, ...values.words], values.files);
}

/** Follows subcommands; `typed` are the arguments given to the last, options and their values left out. */
function descend(program: Command, words: readonly string[]): { readonly command: Command; readonly typed: string[] } {
  let command = program;
  const typed: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word.startsWith('-')) {
      const option = findOption(command, word);
      if (option?.required === true) index += 1;
      continue;
    }
    const sub = typed.length === 0 ? command.commands.find((known) => known.name() === word) : undefined;
    if (sub === undefined) typed.push(word);
    else command = sub;
  }
  return { command, typed };
}

function findOption(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(({ short, long }) => word !== undefined && (word === short || word === long));
}

function argumentAt(all: readonly Argument[], index: number): Argument | undefined {
  const last = all.at(-1);
  return all[index] ?? (last?.variadic === true ? last : undefined);
}

function valuesOfArgument(
  command: Command,
  argument: Argument,
  typed: readonly string[],
  names: KnownNames,
): Candidates {
  switch (argument.name()) {
    case 'vm':
      return {
        words: command.name() === 'create' ? [] : names.vms.filter((name) => !typed.includes(name)),
        files: false,
      };
    case 'image':
      return { words: names.images.filter((name) => !typed.includes(name)), files: false };
    case 'tag':
      return { words: names.tags(typed[0]), files: false };
    case 'source':
    case 'target':
      return { words: names.vms.map((name) => `${name}:`), files: true };
    case 'directory':
    case 'path:tag[:ro|rw]':
      return { words: [], files: true };
    default:
      return { words: [...(argument.argChoices ?? [])], files: false };
  }
}

function valuesOfOption(option: Option, names: KnownNames): readonly string[] | undefined {
  if (option.argChoices !== undefined) return option.argChoices;
  return option.long === '--image' ? names.images : undefined;
}

function takesFile(option: Option): boolean {
  return /<file>|path/.test(option.flags);
}

async function readNames(cli: Cli): Promise<KnownNames> {
  try {
    const { data_dir } = await cli.config();
    const vms = readStatusFile(layout(data_dir).statusFile)?.vms ?? [];
    return {
      vms: vms.map((vm) => vm.name),
      images: [...new Set(['debian', 'tiny', ...vms.map((vm) => vm.spec.image)])],
      tags: (name) => vms.find((vm) => vm.name === name)?.spec.mounts.map((mount) => mount.tag) ?? [],
    };
  } catch {
    // An unreadable file or configuration must not print errors into somebody's command line.
    return { vms: [], images: ['debian', 'tiny'], tags: () => [] };
  }
}
