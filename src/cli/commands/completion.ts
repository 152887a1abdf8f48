import { Argument, type Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { completionScripts, type Shell } from '../completion/scripts.ts';
import { leaf } from '../leaf.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'completion', 'Print the completion script for a shell', [
    'source <(vmm completion bash)',
    'vmm completion zsh > ~/.zfunc/_vmm',
    'vmm completion fish > ~/.config/fish/completions/vmm.fish',
  ])
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => {
      const script = completionScripts[shell];
      if (cli.options.json === true) print(cli, { shell, script }, '');
      else cli.stdout.write(script);
    });
}
