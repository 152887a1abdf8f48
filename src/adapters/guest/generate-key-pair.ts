import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandRunner } from '../../ports/command-runner.ts';

/** A fresh ed25519 pair by ssh-keygen. Errors: host_program_missing, command_failed. */
export async function generateKeyPair(
  runner: CommandRunner,
  temporaryDir: string,
  comment: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  await mkdir(temporaryDir, { recursive: true });
  // mkdtemp makes it 0700: nobody else can read the key in the moment that it is a file.
  const directory = await mkdtemp(join(temporaryDir, 'key-'));
  try {
    const file = join(directory, 'key');
    await runner.run({
      program: 'ssh-keygen',
      args: ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file],
      timeoutMs: 10_000,
    });
    const [privateKey, publicKey] = await Promise.all([readFile(file, 'utf8'), readFile(`${file}.pub`, 'utf8')]);
    return { privateKey, publicKey: publicKey.trim() };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
