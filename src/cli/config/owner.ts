import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';

/** Who typed the command: under sudo the original user, else the process's own. */
export interface Owner {
  readonly home: string;
  /** Set under sudo alone: what files of the user's home must belong to. */
  readonly sudo: { readonly uid: number; readonly gid: number } | undefined;
}

/** SUDO_USER, SUDO_UID and SUDO_GID as sudo(8) sets them; believed only when we are root. */
export function findOwner(env: NodeJS.ProcessEnv, passwd = '/etc/passwd'): Owner {
  const { SUDO_USER: user, SUDO_UID: uid, SUDO_GID: gid } = env;
  const isRoot = process.geteuid?.() === 0;
  if (!isRoot || user === undefined || user === 'root' || uid === undefined || gid === undefined) {
    return { home: env.HOME ?? homedir(), sudo: undefined };
  }
  const fields = readPasswd(passwd)
    .map((line) => line.split(':'))
    .find(([name]) => name === user);
  return { home: fields?.[5] ?? `/home/${user}`, sudo: { uid: Number(uid), gid: Number(gid) } };
}

function readPasswd(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // Without the file (users from LDAP alone in a bare container) the usual home is the best guess.
    return [];
  }
}

/** `~` and `~/x` with the owner's home; sudo's shell may have left them unexpanded in `--option=~/x`. */
export function expandHome(path: string, owner: Owner): string {
  return path === '~' || path.startsWith('~/') ? owner.home + path.slice(1) : path;
}

/**
 * Does file work as the original user, so that files get their owner and a planted link leads nowhere root alone may
 * write. The work is synchronous: effective ids belong to the whole process.
 */
export function asOwner<T>(owner: Owner, work: () => T): T {
  const { seteuid, setegid } = process;
  if (owner.sudo === undefined || seteuid === undefined || setegid === undefined) return work();
  setegid(owner.sudo.gid);
  seteuid(owner.sudo.uid);
  try {
    return work();
  } finally {
    seteuid(0);
    setegid(0);
  }
}
