import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { reasonOf } from './failure.ts';
import type { FirewallDoor } from './firewall-door.ts';

/** ufw is a Python program: slow to start on a small machine. */
const timeoutMs = 30_000;

/** ufw is asked only when its own files say that it must be: its configuration is two small files, and a call takes long. */
export async function isUfwActive(directory: string): Promise<boolean> {
  return /^ENABLED=yes\s*$/im.test(await readOrEmpty(join(directory, 'ufw.conf')));
}

/** Route rules of ufw for both directions of the bridge. ufw keeps them in its own files, through reloads and reboots. */
export function createUfwDoor(runner: CommandRunner, bridge: string, directory: string): FirewallDoor {
  const directions = [
    { word: 'in', written: `-A ufw-user-forward -i ${bridge} -j ACCEPT` },
    { word: 'out', written: `-A ufw-user-forward -o ${bridge} -j ACCEPT` },
  ];
  const missing = async () => {
    const lines = (await readOrEmpty(join(directory, 'user.rules'))).split('\n').map((line) => line.trim());
    return directions.filter(({ written }) => !lines.includes(written));
  };
  const ufw = (verb: readonly string[], word: string, signal: AbortSignal) =>
    runner.run({ program: 'ufw', args: ['route', ...verb, 'allow', word, 'on', bridge], timeoutMs, signal });

  return {
    name: 'ufw',
    async open(view, signal) {
      if (!view.ufwActive) return [];
      try {
        for (const { word } of await missing()) await ufw([], word, signal);
        return [];
      } catch (thrown) {
        signal.throwIfAborted();
        return [`VMs may not reach other networks: ufw took no route rule (${reasonOf(thrown)}).`];
      }
    },
    async close(signal) {
      // Also when ufw is switched off: it would bring the rules back.
      const gone = await missing();
      for (const { word } of directions.filter((one) => !gone.includes(one))) await ufw(['delete'], word, signal);
    },
    async inspect(view) {
      return view.ufwActive ? { passes: (await missing()).length === 0 } : undefined;
    },
  };
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
