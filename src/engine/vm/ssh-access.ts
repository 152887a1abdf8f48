import { VmmError } from '../../contract/errors.ts';
import type { SshAccess } from '../../contract/resources/vm.ts';
import { assertMay } from '../../domain/transitions.ts';
import type { Context } from '../context.ts';
import { readPrivateKey } from '../host/own-key.ts';
import { findVm } from './find.ts';

/** Address, vmm's own key, and the host key that vmm itself gave the guest. */
export function sshAccess(context: Context, name: string): SshAccess {
  const { vm, hostPublicKey } = findVm(context, name);
  assertMay('connect', vm);
  const { ip } = vm.status;
  if (ip === undefined) throw new VmmError('internal', `VM ${name} runs without an address.`);
  const [algorithm = '', blob = ''] = hostPublicKey.trim().split(' ');
  return {
    host: ip,
    port: 22,
    user: 'root',
    privateKey: readPrivateKey(context),
    knownHosts: `${ip} ${algorithm} ${blob}\n`,
  };
}
