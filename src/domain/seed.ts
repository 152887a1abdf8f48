import type { ImageConfig } from '../contract/resources/image.ts';
import type { Mount } from '../contract/resources/vm.ts';
import { seedFiles } from './guest-protocol.ts';
import { mountDevices } from './mounts.ts';

/** The spec's public DNS servers. */
export const defaultDns = ['8.8.8.8', '8.8.4.4', '1.1.1.1'];

interface SeedInput {
  readonly name: string;
  readonly machineId: string;
  readonly hostPrivateKey: string;
  readonly hostPublicKey: string;
  readonly authorizedKeys: readonly string[];
  readonly dns: readonly string[];
  readonly network: {
    readonly address: string;
    readonly prefix: number;
    readonly gateway: string;
    readonly mac: string;
    readonly mtu: number;
  };
  readonly mounts: readonly Mount[];
  readonly image: ImageConfig;
}

interface File {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** All that a guest is told at a start. Made anew each time, so that a removed key is really revoked. */
export function seedContents(input: SeedInput): File[] {
  const { network, image } = input;
  const dns = input.dns.length > 0 ? input.dns : defaultDns;
  return [
    file(seedFiles.hostname, `${input.name}\n`),
    file(seedFiles.machineId, `${input.machineId}\n`),
    file(seedFiles.resolvConf, dns.map((server) => `nameserver ${server}\n`).join('')),
    file(seedFiles.hosts, `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${network.address} ${input.name}\n`),
    file(seedFiles.authorizedKeys, input.authorizedKeys.map((key) => `${key}\n`).join('')),
    file(seedFiles.hostKey, input.hostPrivateKey, 0o600),
    file(seedFiles.hostKeyPublic, input.hostPublicKey),
    file(
      seedFiles.network,
      assignments({
        ADDRESS: `${network.address}/${network.prefix}`,
        GATEWAY: network.gateway,
        MAC: network.mac,
        MTU: String(network.mtu),
      }),
    ),
    file(seedFiles.mounts, mountLines(input.mounts)),
    file(
      seedFiles.config,
      assignments({
        INIT: image.init ?? '',
        SSHD: image.hasSshd ? '1' : '',
        AGENT: image.hasAgent ? '1' : '',
        WORKDIR: image.workdir,
        RUN_AS: image.user,
      }),
    ),
    ...[...image.entrypoint, ...image.cmd].map((argument, index) => file(seedFiles.argv(index), argument)),
    ...image.env.map((variable, index) => file(seedFiles.env(index), variable)),
  ];
}

function file(path: string, content: string, mode = 0o644): File {
  return { path, content, mode };
}

function mountLines(mounts: readonly Mount[]): string {
  const devices = mountDevices(mounts);
  return mounts.map(({ tag, mode, kind }) => `${tag} ${mode} ${kind} ${devices.get(tag) ?? '-'}\n`).join('');
}

/** Values in single quotes of POSIX sh, where only the quote itself is special. */
function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
