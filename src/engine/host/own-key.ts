import { VmmError } from '../../contract/errors.ts';
import type { Context } from '../context.ts';

const setting = 'ssh-key';

/** vmm's own ssh key pair for guests, made once per data directory. */
export async function ensureOwnKey(context: Context): Promise<void> {
  await using _lock = await context.locks.wait(setting, 'make');
  if (context.store.getSetting(`${setting}.private`) !== undefined) return;
  const { privateKey, publicKey } = await context.channel.generateKeyPair('vmm');
  context.store.transaction(() => {
    context.store.setSetting(`${setting}.private`, privateKey);
    context.store.setSetting(`${setting}.public`, publicKey);
  });
}

export function readAuthorizedKey(context: Context): string {
  return read(context, 'public').trim();
}

export function readPrivateKey(context: Context): string {
  return read(context, 'private');
}

function read(context: Context, half: 'public' | 'private'): string {
  const key = context.store.getSetting(`${setting}.${half}`);
  if (key === undefined)
    throw new VmmError('internal', 'vmm has no ssh key of its own.', { hint: 'vmm daemon stop, then try again' });
  return key;
}
