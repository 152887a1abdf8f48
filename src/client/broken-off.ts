import { VmmError } from '../contract/errors.ts';

/** The daemon went, or was killed, in the middle of its answer. */
export function brokenOff(cause?: unknown): VmmError {
  return new VmmError('daemon_unreachable', 'The daemon ended before the work was done.', {
    hint: 'Look with `vmm list`: the next daemon finishes or undoes what was begun. Then try again.',
    ...(cause === undefined ? {} : { cause }),
  });
}
