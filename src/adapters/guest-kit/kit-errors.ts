import { VmmError } from '../../contract/errors.ts';

const passedOn = new Set(['aborted', 'disk_full', 'host_program_missing', 'kit_build_failed', 'not_supported']);

/** Any failure of a build as one that says what to do. */
export function asKitError(thrown: unknown, doing: string): VmmError {
  if (thrown instanceof VmmError && passedOn.has(thrown.code)) return thrown;
  const detail = thrown instanceof VmmError ? thrown.detail : undefined;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/ENOSPC|No space left on device/.test(`${message}\n${detail ?? ''}`)) {
    return new VmmError('disk_full', `The disk is full while ${doing}.`, {
      hint: 'Free about 500 MB where the data directory lies (df -h), then try again',
      cause: thrown,
    });
  }
  return new VmmError('kit_build_failed', `The guest kit could not be made: ${doing} failed. ${message}`, {
    hint: 'Check that "apt-get update" works on this host, then run: vmm image pull',
    ...(detail === undefined ? {} : { detail }),
    cause: thrown,
  });
}
