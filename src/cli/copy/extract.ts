import { once } from 'node:events';
import { ReadEntry, Unpack } from 'tar';
import { VmmError } from '../../contract/errors.ts';
import { printable } from '../output/format.ts';
import { judgeEntry, safeParts } from './entry-rules.ts';
import { archiveFailed, archiveRefused } from './errors.ts';
import { makeLinks } from './make-links.ts';

export interface Extraction {
  /** An existing directory; all goes below it. */
  readonly root: string;
  /** Where a path of the archive goes below root; undefined: nobody asked for it. */
  readonly place: (parts: readonly string[]) => readonly string[] | undefined;
  /** What is left out without a word, such as a file system's own lost+found. */
  readonly ignore?: (parts: readonly string[]) => boolean;
  /** Throws to refuse an entry that is fine in itself, such as a directory where a file stands. */
  readonly check?: (entry: { readonly path: string; readonly isDirectory: boolean }) => void;
  readonly signal: AbortSignal;
  readonly onBytes?: (total: number) => void;
}

export interface Extracted {
  readonly files: number;
  /** Of their content. */
  readonly bytes: number;
  /** One sentence for each entry that was left out. */
  readonly skipped: readonly string[];
}

/**
 * Extracts a tar stream of a guest, which may be hostile. Nothing is written outside root: paths are judged first,
 * nothing is written through a symbolic link, links are made last, hard links reach only this archive's own files,
 * devices are left out, and set-id bits and owners are dropped. Throws archive_refused, disk_full, storage_failed.
 */
export async function extract(tar: NodeJS.ReadableStream, extraction: Extraction): Promise<Extracted> {
  const state: State = { written: new Set(), links: new Map(), skipped: [], files: 0, bytes: 0, failure: undefined };
  const unpack = new Unpack({
    cwd: extraction.root,
    preserveOwner: false,
    filter: (_path, entry) => entry instanceof ReadEntry && admit(entry, extraction, state),
    onwarn: (code, message, data) => {
      if (code === 'TAR_ENTRY_INFO' || code === 'TAR_ENTRY_UNSUPPORTED') return;
      state.failure ??= archiveFailed(data instanceof Error ? data : message);
    },
  });
  const closed = once(unpack, 'close');
  // Awaited at the end; a failure before that is thrown from the loop.
  closed.catch(() => undefined);
  let received = 0;
  for await (const chunk of tar) {
    extraction.signal.throwIfAborted();
    if (state.failure !== undefined) throw state.failure;
    received += chunk.length;
    extraction.onBytes?.(received);
    if (!unpack.write(Buffer.from(chunk))) await once(unpack, 'drain', { signal: extraction.signal });
  }
  extraction.signal.throwIfAborted();
  unpack.end();
  await closed.catch((error: unknown) => {
    throw state.failure ?? archiveFailed(error);
  });
  if (state.failure !== undefined) throw state.failure;
  const failed = await makeLinks(extraction.root, state.links);
  const skipped = [...state.skipped, ...failed.map((text) => `The link ${printable(text)}`)];
  return { files: state.files, bytes: state.bytes, skipped };
}

interface State {
  readonly written: Set<string>;
  /** By path; the last word on a path counts. */
  readonly links: Map<string, string>;
  readonly skipped: string[];
  files: number;
  bytes: number;
  failure: VmmError | undefined;
}

/** Whether tar may write the entry, which is moved to its place and cleaned for that. */
function admit(entry: ReadEntry, { place, ignore, check }: Extraction, state: State): boolean {
  if (state.failure !== undefined) return false;
  if (ignore?.(safeParts(entry.path) ?? []) === true) return false;
  const verdict = judgeEntry(entry, place, state.written);
  switch (verdict.kind) {
    case 'nothing':
      return false;
    case 'skip':
      state.skipped.push(`${printable(entry.path)} was left out: ${verdict.why}`);
      return false;
    case 'refuse':
      state.failure = archiveRefused(entry.path, verdict.why);
      return false;
    case 'link':
      state.links.set(verdict.path, verdict.target);
      state.files += 1;
      return false;
    case 'write': {
      const isDirectory = entry.type === 'Directory';
      try {
        check?.({ path: verdict.path, isDirectory });
      } catch (error) {
        state.failure = error instanceof VmmError ? error : archiveFailed(error);
        return false;
      }
      state.links.delete(verdict.path);
      entry.path = verdict.path;
      if (verdict.hardLinkTo !== undefined) entry.linkpath = verdict.hardLinkTo;
      entry.mode = (entry.mode ?? 0o644) & 0o777;
      if (!isDirectory) {
        state.written.add(verdict.path);
        state.files += 1;
        if (verdict.hardLinkTo === undefined) state.bytes += entry.size;
      }
      return true;
    }
  }
}
