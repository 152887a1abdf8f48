import { VmmError } from '../contract/errors.ts';
import type { Vm } from '../contract/resources/vm.ts';
import type { Cli } from './cli.ts';

/** The names a command works on: those given, or with --all every VM that `matches`. Throws invalid_input for both or neither. */
export async function resolveNames(
  cli: Cli,
  verb: string,
  names: readonly string[],
  all: boolean,
  matches: (vm: Vm) => boolean,
): Promise<readonly string[]> {
  if (all && names.length > 0) {
    throw new VmmError('invalid_input', 'Give names or --all, not both.', { hint: `Every VM: vmm ${verb} --all` });
  }
  if (!all && names.length === 0) {
    throw new VmmError('invalid_input', 'No VM was named.', { hint: `Give a name: vmm ${verb} <vm>, or --all` });
  }
  if (!all) return names;
  const client = await cli.client();
  const vms = await client.call('vm.list', {}, { signal: cli.signal });
  const matching = vms.filter(matches).map((vm) => vm.name);
  if (matching.length === 0 && cli.options.json !== true) cli.stderr.write(`There is no VM to ${verb}.\n`);
  return matching;
}
