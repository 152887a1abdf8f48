import { resolve } from 'node:path';
import type { HostConfig } from '../../contract/resources/host.ts';
import { hostConfigPath, readConfig, userConfigPath } from './file.ts';
import type { EngineChoice, UserConfig, VmDefaults } from './keys.ts';
import { findOwner, type Owner } from './owner.ts';

export type ConfigSource = 'environment' | 'host' | 'user' | 'default';

export interface EffectiveConfig {
  readonly owner: Owner;
  readonly userPath: string;
  readonly host_interface: string;
  readonly bridge_name: string;
  readonly subnet: string;
  readonly data_dir: string;
  readonly engine: EngineChoice;
  readonly vm_defaults: VmDefaults;
  /** Where each value came from, for `config show`. */
  readonly sources: Readonly<Record<string, ConfigSource>>;
}

type TextKey = 'host_interface' | 'bridge_name' | 'subnet' | 'data_dir' | 'engine';
/** The system's data directory; others are for tests and instances side by side. */
export const defaultDataDir = '/var/lib/vmm';

type Settings = { readonly [Key in TextKey]: NonNullable<UserConfig[Key]> };

const builtIn: Settings = {
  host_interface: '',
  bridge_name: 'vmm-br0',
  subnet: '172.16.0.0/16',
  data_dir: defaultDataDir,
  engine: 'auto',
};

/** Data directory, bridge and subnet belong to the host: two users who differ would each see half of the VMs. */
const hostWins = new Set<TextKey>(['data_dir', 'bridge_name', 'subnet']);

/** Merges the layers: VMM_DATA_DIR, then host and user file in the order that each key asks for, then what is built in. */
export function mergeConfig(layers: {
  readonly env: NodeJS.ProcessEnv;
  readonly host: UserConfig;
  readonly user: UserConfig;
  readonly owner: Owner;
  readonly userPath: string;
}): EffectiveConfig {
  const { env, host, user } = layers;
  const sources: Record<string, ConfigSource> = {};
  const pick = <Key extends TextKey>(key: Key): Settings[Key] => {
    const files: readonly (readonly [ConfigSource, Partial<Settings>])[] = hostWins.has(key)
      ? [
          ['host', host],
          ['user', user],
        ]
      : [
          ['user', user],
          ['host', host],
        ];
    for (const [source, file] of files) {
      const value = file[key];
      if (value !== undefined) {
        sources[key] = source;
        return value;
      }
    }
    sources[key] = 'default';
    return builtIn[key];
  };
  const vm_defaults = { ...host.vm_defaults, ...user.vm_defaults };
  for (const key of Object.keys(vm_defaults)) {
    sources[`vm_defaults.${key}`] = user.vm_defaults !== undefined && key in user.vm_defaults ? 'user' : 'host';
  }
  const merged = {
    owner: layers.owner,
    userPath: layers.userPath,
    host_interface: pick('host_interface'),
    bridge_name: pick('bridge_name'),
    subnet: pick('subnet'),
    data_dir: env.VMM_DATA_DIR ? resolve(env.VMM_DATA_DIR) : pick('data_dir'),
    engine: pick('engine'),
    vm_defaults,
    sources,
  };
  if (env.VMM_DATA_DIR) sources.data_dir = 'environment';
  return merged;
}

/** The settings this call runs with. Throws invalid_config. */
export function loadConfig(env: NodeJS.ProcessEnv): EffectiveConfig {
  const owner = findOwner(env);
  const userPath = userConfigPath(owner);
  return mergeConfig({
    env,
    owner,
    userPath,
    host: readConfig(hostConfigPath) ?? {},
    user: readConfig(userPath) ?? {},
  });
}

/** The part of the settings that a daemon we start is given. */
export function daemonSettings(config: EffectiveConfig): HostConfig {
  const { data_dir, bridge_name, subnet, host_interface, engine } = config;
  return { data_dir, bridge_name, subnet, host_interface, engine };
}
