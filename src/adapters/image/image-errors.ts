import { VmmError } from '../../contract/errors.ts';

const passedOn = new Set([
  'aborted',
  'disk_full',
  'host_program_missing',
  'kit_build_failed',
  'not_root',
  'not_supported',
]);

/** Any failure of a build as one that says what to do. */
export function asImageError(thrown: unknown, name: string): VmmError {
  if (thrown instanceof VmmError && passedOn.has(thrown.code)) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new VmmError('aborted', `Making the image "${name}" was cancelled.`, { cause: thrown });
  }
  const detail = thrown instanceof VmmError ? thrown.detail : undefined;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/ENOSPC|No space left on device/.test(`${message}\n${detail ?? ''}`)) {
    return new VmmError('disk_full', `The disk is full while the image "${name}" is made.`, {
      hint: 'Free about 1 GB where the data directory lies (df -h), then try again',
      cause: thrown,
    });
  }
  return new VmmError('image_build_failed', `The image "${name}" could not be made: ${message}`, {
    hint: 'Check that "apt-get update" works on this host, then run: vmm image pull',
    ...(detail === undefined ? {} : { detail }),
    cause: thrown,
  });
}
