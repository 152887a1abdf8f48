import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VmmError } from '../../contract/errors.ts';
import type { Cli } from '../cli.ts';
import { findAccess, type Reach } from './find-access.ts';
import type { SshFiles } from './ssh-args.ts';

/** The names that ssh-keygen gives. */
const keyNames = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ed25519_sk', 'id_ecdsa_sk'];

/** Access to one guest: its key in a private directory that goes with the session. */
export interface SshSession extends Disposable {
  readonly name: string;
  readonly reach: Reach;
  readonly files: SshFiles;
  readonly ownKeys: readonly string[];
  /** What ssh itself said; empty when it had nothing to complain of. */
  log(): string;
}

/** Errors: vm_not_found, illegal_state, not_root. */
export async function openSshSession(cli: Cli, name: string): Promise<SshSession> {
  const { owner } = await cli.config();
  const reach = await findAccess(cli, name);
  const directory = mkdtempSync(join(tmpdir(), 'vmm-ssh-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // A second Ctrl-C leaves at once, without going through the disposal.
  process.once('exit', remove);
  try {
    const files = writeFiles(directory, reach);
    return {
      name,
      reach,
      files,
      ownKeys: findOwnKeys(owner.home),
      log: () => (existsSync(files.log) ? readFileSync(files.log, 'utf8').trim() : ''),
      [Symbol.dispose]() {
        process.off('exit', remove);
        remove();
      },
    };
  } catch (cause) {
    remove();
    throw new VmmError('storage_failed', `The ssh key cannot be written below ${tmpdir()}.`, {
      hint: 'Free some space there, or set TMPDIR to another directory.',
      cause,
    });
  }
}

function writeFiles(directory: string, { given, learntHosts }: Reach): SshFiles {
  const log = join(directory, 'log');
  if (given === undefined) return { identity: undefined, knownHosts: learntHosts, log };
  const files = { identity: join(directory, 'identity'), knownHosts: join(directory, 'known_hosts'), log };
  writeFileSync(files.identity, withNewline(given.privateKey), { mode: 0o600, flag: 'wx' });
  writeFileSync(files.knownHosts, withNewline(given.knownHosts), { mode: 0o600, flag: 'wx' });
  return files;
}

/** Private keys of whoever typed the command: under sudo the original user's. */
export function findOwnKeys(home: string): string[] {
  return keyNames.map((name) => join(home, '.ssh', name)).filter((path) => existsSync(path));
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
