import { VmmError } from '../../contract/errors.ts';

export type CopySpec =
  | { readonly direction: 'in'; readonly source: string; readonly vm: string; readonly target: string }
  | { readonly direction: 'out'; readonly vm: string; readonly source: string; readonly target: string };

/** `vm:path` as scp has it: a name, then a colon before any slash. `./a:b` is a file of the host. */
function parseSide(text: string): { readonly vm: string | undefined; readonly path: string } {
  const match = /^([A-Za-z0-9][A-Za-z0-9-]*):([\s\S]*)$/.exec(text);
  return match === null ? { vm: undefined, path: text } : { vm: match[1], path: match[2] || '.' };
}

/** Throws invalid_input unless exactly one side is in a VM. */
export function parseCopy(from: string, to: string): CopySpec {
  const [source, target] = [parseSide(from), parseSide(to)];
  const hint = 'One side is a path, the other <vm>:<path>: vmm cp notes.txt web1:/root/';
  if (source.vm !== undefined && target.vm !== undefined) {
    throw new VmmError('invalid_input', 'Copying from VM to VM is not possible.', { hint });
  }
  if (source.path === '' || target.path === '') throw new VmmError('invalid_input', 'A path is empty.', { hint });
  if (target.vm !== undefined) return { direction: 'in', source: source.path, vm: target.vm, target: target.path };
  if (source.vm !== undefined) return { direction: 'out', vm: source.vm, source: source.path, target: target.path };
  throw new VmmError('invalid_input', 'Neither side names a VM.', { hint });
}
