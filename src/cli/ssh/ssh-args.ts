import type { Reach } from './find-access.ts';

export interface SshFiles {
  /** vmm's own private key for this guest; undefined when only the caller's can be used. */
  readonly identity: string | undefined;
  readonly knownHosts: string;
  /** What ssh itself has to say, kept apart from what the guest's programs print. */
  readonly log: string;
}

export interface SshPlan {
  readonly reach: Reach;
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
  const { reach, files, tty } = plan;
  const user = plan.user ?? reach.user;
  const withOurKey = files.identity !== undefined && user === reach.user;
  const options: Record<string, string> = {
    UserKnownHostsFile: files.knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: reach.given === undefined ? 'accept-new' : 'yes',
    HostKeyAlias: reach.hostKeyAlias,
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    // An agent with many keys would use up the guest's patience before vmm's own key is tried; other users may need it.
    IdentitiesOnly: withOurKey ? 'yes' : 'no',
    PasswordAuthentication: plan.interactive && !withOurKey ? 'yes' : 'no',
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
    ...['-F', 'none', '-E', files.log, '-p', String(reach.port), '-l', user],
    ...[...(files.identity === undefined ? [] : [files.identity]), ...plan.ownKeys].flatMap((key) => ['-i', key]),
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(tty === 'force' ? ['-tt'] : tty === 'none' ? ['-T'] : []),
    reach.host,
    ...plan.rest,
  ];
}
