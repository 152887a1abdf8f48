import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { readConfig, writeConfig } from '../config/file.ts';
import { configKeys, parseConfigValue, setConfigValue, type UserConfig } from '../config/keys.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { formatTable } from '../output/table.ts';

const from = {
  environment: 'VMM_DATA_DIR',
  host: '/etc/vmm/config.json',
  user: '~/.config/vmm/config.json',
  default: 'default',
} as const;

export function register(program: Command, cli: Cli): void {
  const config = program.command('config').description('Settings of vmm');

  leaf(config, 'init', 'Make directories and the configuration file', ['vmm config init'])
    .option('--force', 'write the file anew although it is there')
    .action(async (options: CommonOptions & { readonly force?: boolean }) => {
      const { userPath, owner, data_dir } = await cli.config();
      const exists = readConfig(userPath) !== undefined;
      if (!exists || options.force === true) writeConfig(userPath, initialConfig(), owner);
      const isRoot = process.geteuid?.() === 0;
      // The daemon owns the data directory, so it is the one to make it.
      if (isRoot) await cli.client();
      const file = exists && options.force !== true ? `${userPath} is there already.` : `${userPath} is written.`;
      const data = isRoot ? `${data_dir} is ready.` : `${data_dir} is made at the first command that runs as root.`;
      print(cli, { path: userPath, written: !exists || options.force === true, data_dir }, `${file}\n${data}`);
    });

  leaf(config, 'show', 'Show the settings in use and where each comes from', [
    'vmm config show',
    'vmm config show --json',
  ]).action(async () => {
    const found = await cli.config();
    const values = valuesOf(found);
    const rows = values.map(([key, value]) => [key, textOf(value), from[found.sources[key] ?? 'default']]);
    const { owner: _, userPath: path, sources: __, ...settings } = found;
    print(cli, { path, ...settings }, formatTable(['KEY', 'VALUE', 'FROM'], rows));
  });

  leaf(config, 'set', 'Change a setting in your configuration file', [
    'vmm config set host_interface wlp3s0',
    'vmm config set vm_defaults.memory 1024',
    'vmm config set vm_defaults.dns 9.9.9.9,1.1.1.1',
  ])
    .argument('<key>', 'key')
    .argument('<value>', 'value; lists with commas between')
    .addHelpText('after', `\nKeys:\n${keyHelp()}`)
    .action(async (key: string, text: string) => {
      const value = parseConfigValue(key, text);
      const { userPath, owner, sources } = await cli.config();
      writeConfig(userPath, setConfigValue(readConfig(userPath) ?? {}, key, value), owner);
      const winner = sources[key];
      if (winner === 'host' && ['data_dir', 'bridge_name', 'subnet'].includes(key)) {
        cli.stderr.write(`Note: /etc/vmm/config.json has ${key} too, and wins.\n`);
      } else if (winner === 'environment') {
        cli.stderr.write('Note: VMM_DATA_DIR is set, and wins.\n');
      } else if (!key.startsWith('vm_defaults.') && key !== 'engine') {
        cli.stderr.write(
          'Note: a daemon that runs keeps its settings; restart it: vmm daemon stop && vmm daemon start\n',
        );
      }
      print(cli, { key, value }, `${key} = ${textOf(value)}`);
    });

  leaf(config, 'path', 'Show where your configuration file is', ['vmm config path']).action(async () => {
    const path = (await cli.config()).userPath;
    print(cli, { path }, path);
  });
}

type Value = string | number | readonly string[];

function valuesOf({ vm_defaults, ...config }: UserConfig): (readonly [string, Value])[] {
  return Object.keys(configKeys).flatMap((key) => {
    const values = new Map<string, Value | undefined>([
      ...Object.entries({
        host_interface: config.host_interface,
        bridge_name: config.bridge_name,
        subnet: config.subnet,
        data_dir: config.data_dir,
        engine: config.engine,
      }),
      ...Object.entries(vm_defaults ?? {}).map(([name, value]) => [`vm_defaults.${name}`, value] as const),
    ]);
    const value = values.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });
}

function textOf(value: Value): string {
  return Array.isArray(value) ? value.join(',') : value === '' ? '(found at run time)' : String(value);
}

function keyHelp(): string {
  return Object.entries(configKeys)
    .map(([key, { meaning }]) => `  ${key.padEnd(20)} ${meaning}`)
    .join('\n');
}

/** The spec's keys with this host's values, to be edited. */
function initialConfig(): UserConfig {
  return {
    host_interface: defaultRouteInterface(readRoutes()),
    bridge_name: 'vmm-br0',
    subnet: '172.16.0.0/16',
    data_dir: '/var/lib/vmm',
    engine: 'auto',
    vm_defaults: { cpus: 1, memory: 512, disk: 1024, image: 'debian' },
  };
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8');
  } catch {
    // No network stack to look at: the daemon finds the interface at run time.
    return '';
  }
}

/** The interface of the default route in /proc/net/route (proc(5)): destination and mask are zero, lowest metric wins. */
export function defaultRouteInterface(table: string): string {
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t').map((field) => field.trim()))
    .filter((fields) => fields[1] === '00000000' && fields[7] === '00000000')
    .sort((a, b) => Number(a[6]) - Number(b[6]));
  return routes[0]?.[0] ?? '';
}
