import { VmmError } from '../../contract/errors.ts';
import { printable } from '../output/format.ts';

export function archiveRefused(path: string, why: string): VmmError {
  return new VmmError('archive_refused', `The guest's archive was refused at "${printable(path)}": ${why}.`, {
    hint: 'Nothing outside the destination was written. Treat the guest as hostile, or copy single files from it.',
  });
}

/** A failure of the extraction itself: of the host's disk, or of an archive that is none. */
export function archiveFailed(cause: unknown): VmmError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const message = printable(cause instanceof Error ? cause.message : String(cause));
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new VmmError('disk_full', 'The disk of the destination is full.', {
        hint: 'Free some space: df -h',
        cause,
      });
    case 'TAR_SYMLINK_ERROR':
      return archiveRefused(
        cause instanceof Error && 'path' in cause ? String(cause.path) : message,
        'it would be written through a symbolic link',
      );
    default:
      return new VmmError('storage_failed', `The files could not be written: ${message}.`, {
        hint: 'See whether you may write there: ls -ld <directory>',
        cause,
      });
  }
}
