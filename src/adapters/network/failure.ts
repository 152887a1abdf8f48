import { type ErrorCode, VmmError } from '../../contract/errors.ts';

/** Codes that say more than network_failed would. */
const telling: readonly ErrorCode[] = ['host_program_missing', 'aborted', 'command_timeout', 'not_root'];

/** Any failure of a host program as network_failed; what is more precise already passes. */
export function networkFailure(action: string, thrown: unknown): VmmError {
  if (thrown instanceof VmmError && (telling.includes(thrown.code) || thrown.code === 'network_failed')) return thrown;
  const why = thrown instanceof VmmError ? (thrown.detail ?? thrown.message) : reasonOf(thrown);
  if (/Operation not permitted|must be root|Permission denied/.test(why)) return notRoot(thrown);
  return new VmmError('network_failed', `${action}: ${firstLine(why)}`, {
    hint: 'Run `vmm doctor` to see what the host lacks.',
    detail: why,
    cause: thrown,
  });
}

export function notRoot(cause?: unknown): VmmError {
  return new VmmError('not_root', 'Changing the network of the host needs root.', {
    hint: 'Run it with sudo, or join the group vmm.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** nft or ip said no; not that it is missing, was cancelled or hung. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof VmmError && thrown.code === 'network_failed';
}

export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of an error of Node's, such as EADDRINUSE. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
