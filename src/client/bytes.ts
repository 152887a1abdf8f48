import type { IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { fromProblem, type ProblemDetails } from '../contract/errors.ts';
import { problemTrailer } from '../contract/protocol.ts';
import { brokenOff } from './broken-off.ts';

/** The bytes of an answer. An error that came after the first byte stands in the trailer and becomes the stream's error. */
export function byteStream(response: IncomingMessage): Readable {
  const checked = new Transform({
    transform(chunk, _encoding, done) {
      done(null, chunk);
    },
    flush(done) {
      const problem = response.trailers[problemTrailer];
      // Trusted: written by the daemon of our version.
      done(problem === undefined ? null : fromProblem(JSON.parse(decodeURIComponent(problem)) as ProblemDetails));
    },
  });
  response.on('error', (cause) => checked.destroy(brokenOff(cause)));
  checked.on('close', () => {
    if (!response.complete) response.destroy();
  });
  return response.pipe(checked);
}
