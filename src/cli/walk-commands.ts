import type { Command } from 'commander';

export interface WalkedCommand {
  /** The words after `vmm`, such as `mount list`. */
  readonly words: string;
  readonly command: Command;
}

/** Every command of the tree that does something of its own, in the order of the help. */
export function walkCommands(program: Command): WalkedCommand[] {
  const visit = (command: Command, words: readonly string[]): WalkedCommand[] => {
    const path = [...words, command.name()];
    const below = command.commands.flatMap((sub) => visit(sub, path));
    const own = command.commands.length === 0 || command.registeredArguments.length > 0;
    return own ? [{ words: path.join(' '), command }, ...below] : below;
  };
  return program.commands.flatMap((command) => visit(command, []));
}
