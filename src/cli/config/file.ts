import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import { checkConfig, type UserConfig } from './keys.ts';
import { asOwner, type Owner } from './owner.ts';

/** The host's own file: an administrator's word for everybody on the machine. */
export const hostConfigPath = '/etc/vmm/config.json';

export function userConfigPath(owner: Owner): string {
  return join(owner.home, '.config', 'vmm', 'config.json');
}

/** The file's content; undefined when there is none. Throws invalid_config when it cannot be used. */
export function readConfig(path: string): UserConfig | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new VmmError('invalid_config', `${path} cannot be read.`, {
      hint: `Look at it: ls -l ${path}`,
      cause: error,
    });
  }
  try {
    return checkConfig(JSON.parse(text), path);
  } catch (error) {
    if (error instanceof VmmError) throw error;
    throw new VmmError('invalid_config', `${path} is no JSON.`, {
      hint: `Correct it: \${EDITOR:-vi} ${path}`,
      cause: error,
    });
  }
}

/** Writes whole or not at all, as the user whose home it is. Throws invalid_config. */
export function writeConfig(path: string, config: UserConfig, owner: Owner): void {
  asOwner(owner, () => {
    const half = `${path}.${process.pid}.new`;
    let begun = false;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      const file = openSync(half, 'wx', 0o644);
      begun = true;
      try {
        writeSync(file, `${JSON.stringify(config, null, 2)}\n`);
      } finally {
        closeSync(file);
      }
      renameSync(half, path);
    } catch (error) {
      if (begun) rmSync(half, { force: true });
      throw new VmmError('invalid_config', `${path} cannot be written.`, {
        hint: `Look at the directory: ls -ld ${dirname(path)}`,
        cause: error,
      });
    }
  });
}
