import { VmmError } from '../../contract/errors.ts';
import type { Mount } from '../../contract/resources/vm.ts';

const tagPattern = /^[A-Za-z0-9_-]{1,36}$/;
const optionWords = new Set(['ro', 'rw', 'live', 'copy']);

function bad(text: string, why: string, hint?: string): VmmError {
  return new VmmError('invalid_mount', `"${text}" is no mount: ${why}.`, {
    hint: hint ?? 'Give /host/path:tag[:ro|rw], such as --mount /home/me/code:code:ro',
  });
}

/**
 * `/host/path:tag[:ro|rw]`, with `live` or `copy` after a comma: `/srv/data:data:rw,live`. Read from the right, since a
 * path may hold colons and a tag may not. Whether the directory exists is the daemon's to say. Throws invalid_mount.
 */
export function parseMount(text: string): Mount {
  const parts = text.split(':');
  const words = parts.at(-1)?.split(',') ?? [];
  const hasOptions = parts.length > 2 && words.every((word) => optionWords.has(word));
  const options = hasOptions ? words : [];
  // A path may hold colons, but a last word of two letters after what looks like a tag is a misspelt mode.
  if (!hasOptions && parts.length > 2 && /^r[a-z]$/.test(parts.at(-1) ?? ''))
    throw bad(text, `the mode is ro or rw, not ${parts.at(-1)}`);
  if (hasOptions) parts.pop();
  const tag = parts.pop() ?? '';
  const source = parts.join(':');
  if (source === '') throw bad(text, 'it needs a path and a tag');
  if (!source.startsWith('/')) {
    throw bad(text, `the path ${source} is not absolute`, `Give the whole path: --mount "$PWD/${source}:${tag}"`);
  }
  if (!tagPattern.test(tag)) {
    throw bad(text, `the tag "${tag}" may only have 1 to 36 letters, digits, dashes and underscores`);
  }
  if (options.includes('ro') && options.includes('rw')) throw bad(text, 'it is both ro and rw');
  if (options.includes('live') && options.includes('copy')) throw bad(text, 'it is both live and copy');
  return {
    source: source.length > 1 ? source.replace(/\/+$/, '') || '/' : source,
    tag,
    mode: options.includes('ro') ? 'ro' : 'rw',
    kind: options.includes('live') ? 'live' : 'copy',
  };
}
