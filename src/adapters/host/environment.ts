import { userInfo } from 'node:os';

/** Programs of the host are searched here and nowhere else: a daemon run as root must not depend on its caller's PATH. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What every program is given; LANG=C.UTF-8 since we read messages, and names in them may be UTF-8. */
export function cleanEnvironment(path: string, added: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: path, LANG: 'C.UTF-8', HOME: userInfo().homedir, ...added };
}
