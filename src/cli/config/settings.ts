import type { HostConfig } from '../../contract/resources/host.ts';
import type { EffectiveConfig } from './effective.ts';

/** The part of the settings that a daemon we start is given. */
export function daemonSettings(config: EffectiveConfig): HostConfig {
  const { data_dir, bridge_name, subnet, host_interface, engine } = config;
  return { data_dir, bridge_name, subnet, host_interface, engine };
}
