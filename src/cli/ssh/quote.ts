/** One argument for the POSIX shell at the far end: ssh's protocol carries a command as one string (RFC 4254, section 6.5). */
export function shellQuote(argument: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

export interface RemoteCommand {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
}

/** A command line for the guest's shell in which every argument arrives as it was given. */
export function remoteCommand({ args, env = {}, workdir }: RemoteCommand): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${shellQuote(value)}`);
  const words = args.map(shellQuote);
  const command = ['exec', ...(settings.length > 0 ? ['env', ...settings] : []), ...words].join(' ');
  return workdir === undefined ? command : `cd ${shellQuote(workdir)} && ${command}`;
}
