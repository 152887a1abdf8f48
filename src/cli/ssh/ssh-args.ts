import type { SshAccess } from '../../contract/resources/vm.ts';

export interface SshFiles {
  /** vmm's own private key for this guest. */
  readonly identity: string;
  readonly knownHosts: string;
  /** What ssh itself has to say, kept apart from what the guest's programs print. */
  readonly log: string;
}

export interface SshPlan {
  readonly access: SshAccess;
  readonly files: SshFiles;
  /** The caller's own private keys, offered after vmm's. */
  readonly ownKeys: readonly string[];
  /** Default: the user of the access. */
  readonly user?: string;
  readonly tty: 'auto' | 'force' | 'none';
  /** ssh may ask for a passphrase or a password. */
  readonly interactive: boolean;
  /** More of ssh's own arguments, such as -L, then the command. */
  readonly rest: readonly string[];
}

/** Arguments of ssh(1). Configuration files are left out: what vmm does is the same for everybody. */
export function sshArgs(plan: SshPlan): string[] {
  const { access, files, tty } = plan;
  const user = plan.user ?? access.user;
  const own = user === access.user;
  const options: Record<string, string> = {
    UserKnownHostsFile: files.knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    HostKeyAlias: hostKeyAlias(access.knownHosts) ?? access.host,
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    // An agent with many keys would use up the guest's patience before vmm's own key is tried; other users may need it.
    IdentitiesOnly: own ? 'yes' : 'no',
    PasswordAuthentication: plan.interactive && !own ? 'yes' : 'no',
    BatchMode: plan.interactive ? 'no' : 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    ControlMaster: 'no',
    ControlPath: 'none',
    ConnectTimeout: '15',
    ServerAliveInterval: '15',
    ServerAliveCountMax: '4',
    LogLevel: 'ERROR',
  };
  return [
    ...['-F', 'none', '-E', files.log, '-p', String(access.port), '-l', user],
    ...[files.identity, ...plan.ownKeys].flatMap((key) => ['-i', key]),
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(tty === 'force' ? ['-tt'] : tty === 'none' ? ['-T'] : []),
    access.host,
    ...plan.rest,
  ];
}

/** The name the daemon wrote the host key under: ssh must look for that one, whatever the address. */
function hostKeyAlias(knownHosts: string): string | undefined {
  const [names = ''] = knownHosts.trim().split(/\s+/);
  const name = names.split(',')[0];
  return name === undefined || name === '' || name.startsWith('|') || name.startsWith('@') ? undefined : name;
}
