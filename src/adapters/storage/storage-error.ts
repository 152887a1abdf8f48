import { VmmError } from '../../contract/errors.ts';

/** Any failure of a file operation as a VmmError. `what` is a sentence's beginning: "The disk of VM x could not be made". */
export function storageError(what: string, error: unknown): VmmError {
  if (isDiskFull(error)) {
    return new VmmError('disk_full', `${what}: the file system is full.`, {
      hint: 'Make room, for example with: vmm image list, vmm image delete <name>',
      cause: error,
    });
  }
  if (error instanceof VmmError && error.code !== 'command_failed') return error;
  const why = error instanceof Error ? error.message : String(error);
  const detail = error instanceof VmmError && error.detail !== undefined ? { detail: error.detail } : {};
  return new VmmError('storage_failed', `${what}: ${why}`, { ...detail, cause: error });
}

export function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Also a quota that is used up, and a program that said so on its stderr. */
function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  const stderr = error instanceof VmmError && error.code === 'command_failed' ? (error.detail ?? '') : '';
  return /No space left on device|Disk quota exceeded/.test(stderr);
}

export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new VmmError('aborted', 'The request was cancelled.');
}
