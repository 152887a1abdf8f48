import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { leaf } from '../leaf.ts';

export function register(program: Command, cli: Cli): void {
  leaf(program, 'version', 'Show the version', ['vmm version', 'vmm version --json']).action(() => {
    const { version } = cli;
    print(cli, { version, node: process.versions.node }, `vmm ${version} (Node ${process.versions.node})`);
  });
}
