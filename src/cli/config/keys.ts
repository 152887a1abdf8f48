import { VmmError } from '../../contract/errors.ts';
import type { HostConfig } from '../../contract/resources/host.ts';

export type EngineChoice = HostConfig['engine'];

/** `~/.config/vmm/config.json`, as the user may have written it: every key is optional. */
export interface UserConfig {
  readonly host_interface?: string;
  readonly bridge_name?: string;
  readonly subnet?: string;
  readonly data_dir?: string;
  readonly engine?: EngineChoice;
  readonly vm_defaults?: VmDefaults;
}

export interface VmDefaults {
  readonly cpus?: number;
  /** MiB, as the command line has it. */
  readonly memory?: number;
  readonly disk?: number;
  readonly image?: string;
  readonly dns?: readonly string[];
  /** Path of a public key file. */
  readonly ssh_key?: string;
}

interface KeyRule {
  readonly kind: 'text' | 'count' | 'list';
  readonly meaning: string;
  readonly pattern?: RegExp;
}

const octet = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
/** Room for the bridge and a guest at least. */
const subnet = new RegExp(`^(${octet}\\.){3}${octet}/([89]|[12]\\d|30)$`);
const ip = /^[0-9a-fA-F.:]+$/;

/** Every key of the file with its rule; plain checks, since `list` reads the file too and must stay quick. */
export const configKeys: Readonly<Record<string, KeyRule>> = {
  host_interface: {
    kind: 'text',
    meaning: 'Interface that leads out; empty: found at run time',
    pattern: /^[^\s/]{0,15}$/,
  },
  bridge_name: { kind: 'text', meaning: 'Bridge of the VMs', pattern: /^[a-zA-Z0-9_-]{1,15}$/ },
  subnet: { kind: 'text', meaning: 'Network of the VMs', pattern: subnet },
  data_dir: { kind: 'text', meaning: 'Where VMs and images live', pattern: /^\// },
  engine: {
    kind: 'text',
    meaning: 'Engine of new VMs',
    pattern: /^(auto|firecracker|cloud-hypervisor|qemu)$/,
  },
  'vm_defaults.cpus': { kind: 'count', meaning: 'Virtual cpus of new VMs' },
  'vm_defaults.memory': { kind: 'count', meaning: 'Memory of new VMs in MiB' },
  'vm_defaults.disk': { kind: 'count', meaning: 'Disk of new VMs in MiB' },
  'vm_defaults.image': { kind: 'text', meaning: 'Image of new VMs', pattern: /^[A-Za-z0-9-]{1,63}$/ },
  'vm_defaults.dns': { kind: 'list', meaning: 'DNS servers of new VMs', pattern: ip },
  'vm_defaults.ssh_key': { kind: 'text', meaning: 'Public key file for new VMs', pattern: /^.+$/ },
};

function valid(rule: KeyRule, value: unknown): boolean {
  const matches = (text: unknown) => typeof text === 'string' && (rule.pattern?.test(text) ?? true);
  switch (rule.kind) {
    case 'text':
      return matches(value);
    case 'count':
      return Number.isSafeInteger(value) && Number(value) >= 1;
    case 'list':
      return Array.isArray(value) && value.every(matches);
  }
}

/** Throws invalid_config for unknown keys, wrong types and values out of form. `source` names the file in the message. */
export function checkConfig(value: unknown, source: string): UserConfig {
  const fail = (what: string, hint: string) => new VmmError('invalid_config', `${source}: ${what}.`, { hint });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail('it is no JSON object', `Make it anew: mv ${source} ${source}.old && vmm config init`);
  }
  for (const [key, entry] of Object.entries(value)) {
    const nested = key === 'vm_defaults' && typeof entry === 'object' && entry !== null && !Array.isArray(entry);
    const leaves = nested
      ? Object.entries(entry).map(([name, leaf]) => [`${key}.${name}`, leaf] as const)
      : [[key, entry] as const];
    for (const [name, leaf] of leaves) {
      const rule = configKeys[name];
      if (rule === undefined) {
        throw fail(`there is no key ${name}`, `Keys are ${Object.keys(configKeys).join(', ')}`);
      }
      if (!valid(rule, leaf)) {
        throw fail(
          `${name} cannot be ${JSON.stringify(leaf)}`,
          `${rule.meaning}. Correct it: \${EDITOR:-vi} ${source}`,
        );
      }
    }
  }
  // Every key and type was checked above, against the same list that UserConfig writes down.
  return value as UserConfig;
}

/** The value of `config set` in the form of the file. Throws invalid_input for unknown keys, invalid_config for bad values. */
export function parseConfigValue(key: string, text: string): string | number | string[] {
  const rule = configKeys[key];
  if (rule === undefined) {
    throw new VmmError('invalid_input', `There is no configuration key ${key}.`, {
      hint: `Keys are ${Object.keys(configKeys).join(', ')}`,
    });
  }
  const value =
    rule.kind === 'count'
      ? Number(text)
      : rule.kind === 'list'
        ? text
            .split(',')
            .map((item) => item.trim())
            .filter((item) => item !== '')
        : text;
  if (!valid(rule, value)) {
    throw new VmmError('invalid_config', `${key} cannot be "${text}".`, {
      hint: `${rule.meaning}. See: vmm config show`,
    });
  }
  return value;
}

/** The configuration with one key changed. */
export function setConfigValue(config: UserConfig, key: string, value: string | number | string[]): UserConfig {
  const [outer = '', inner] = key.split('.');
  if (inner === undefined) return checkConfig({ ...config, [outer]: value }, 'The configuration');
  return checkConfig({ ...config, vm_defaults: { ...config.vm_defaults, [inner]: value } }, 'The configuration');
}
