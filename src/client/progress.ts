import type { IncomingMessage } from 'node:http';
import { fromProblem, type VmmError } from '../contract/errors.ts';
import type { Frame, Progress } from '../contract/stream.ts';
import { brokenOff } from './broken-off.ts';

export interface ProgressListeners {
  readonly onProgress?: (progress: Progress) => void;
  readonly onNotice?: (message: string) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: VmmError };

/** Reads the frames of a `progress` answer to the end: returns the last one's value or throws its error. */
export async function readFrames(
  response: IncomingMessage,
  listeners: ProgressListeners & { readonly onOperation: (id: string) => void },
): Promise<unknown> {
  let outcome: Outcome | undefined;
  for await (const line of lines(response)) {
    // Trusted: the daemon is of our version and writes nothing else here.
    const frame = JSON.parse(line) as Frame;
    switch (frame.type) {
      case 'operation':
        listeners.onOperation(frame.id);
        break;
      case 'progress': {
        const { type: _, ...progress } = frame;
        listeners.onProgress?.(progress);
        break;
      }
      case 'notice':
        listeners.onNotice?.(frame.message);
        break;
      case 'result':
        outcome = { value: frame.value };
        break;
      case 'error':
        outcome = { error: fromProblem(frame.problem) };
        break;
    }
  }
  // Read to the end, not to the last frame: only then is the connection free for the next call.
  if (outcome === undefined) throw brokenOff();
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part !== '') yield part;
    }
  } catch (cause) {
    throw brokenOff(cause);
  }
}
