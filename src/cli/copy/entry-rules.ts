/** What to do with one entry of an archive that a guest made, and may have made to hurt. */
export type Verdict =
  /** `hardLinkTo`: the place of the file it shall be another name of. */
  | { readonly kind: 'write'; readonly path: string; readonly hardLinkTo?: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** The directory that is extracted into: there already. */
  | { readonly kind: 'nothing' }
  /** Harmless, but not for a host: devices, sockets, pipes. */
  | { readonly kind: 'skip'; readonly why: string }
  /** Made by nobody's tar: the archive as a whole is not to be trusted. */
  | { readonly kind: 'refuse'; readonly why: string };

export interface ArchiveEntry {
  readonly path: string;
  readonly type: string;
  readonly linkpath?: string | undefined;
}

const plainTypes = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory', 'GNUDumpDir']);
const maxDepth = 256;

/** The path's parts without `.` and empty ones; undefined when it is absolute or climbs. */
export function safeParts(path: string): readonly string[] | undefined {
  if (path.startsWith('/') || path.includes('\0')) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') || parts.length > maxDepth ? undefined : parts;
}

/**
 * Judges an entry by its header alone. `place` says where a path goes below the destination, or undefined for one that
 * nobody asked for. `written` holds the files this archive has brought so far: a hard link may name only those.
 */
export function judgeEntry(
  entry: ArchiveEntry,
  place: (parts: readonly string[]) => readonly string[] | undefined,
  written: ReadonlySet<string>,
): Verdict {
  const given = safeParts(entry.path);
  if (given === undefined) return { kind: 'refuse', why: 'its path leads outside' };
  const parts = place(given);
  if (parts === undefined) return { kind: 'refuse', why: 'it was not asked for' };
  if (parts.length === 0) {
    return entry.type === 'Directory'
      ? { kind: 'nothing' }
      : { kind: 'refuse', why: 'it would replace the destination' };
  }
  const path = parts.join('/');
  if (plainTypes.has(entry.type)) return { kind: 'write', path };
  switch (entry.type) {
    case 'SymbolicLink':
      return { kind: 'link', path, target: entry.linkpath ?? '' };
    case 'Link': {
      const target = safeParts(entry.linkpath ?? '');
      const placed = target === undefined ? undefined : place(target)?.join('/');
      if (placed === undefined || !written.has(placed)) {
        return { kind: 'refuse', why: 'it is a hard link to a file that is not of this archive' };
      }
      return { kind: 'write', path, hardLinkTo: placed };
    }
    default:
      return { kind: 'skip', why: `it is no file, directory or link (${entry.type})` };
  }
}
