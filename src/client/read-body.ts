import type { IncomingMessage } from 'node:http';
import { fromProblem, type ProblemDetails, VmmError } from '../contract/errors.ts';
import { problemMediaType, versionHeader } from '../contract/protocol.ts';
import { brokenOff } from './broken-off.ts';

export async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of response) text += chunk;
  } catch (cause) {
    throw brokenOff(cause);
  }
  return text;
}

/** Throws the error that the answer tells, if it tells one. */
export async function assertSuccess(response: IncomingMessage): Promise<void> {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  const text = await readText(response);
  if (response.headers['content-type']?.startsWith(problemMediaType) === true) {
    // Trusted: the daemon is of our version, or answers `daemon_version`, whose shape does not change.
    throw fromProblem(JSON.parse(text) as ProblemDetails);
  }
  throw new VmmError('daemon_unreachable', `The daemon answered ${status} without saying why.`, {
    detail: text.slice(0, 2000),
    hint: `It says it is version ${String(response.headers[versionHeader] ?? 'unknown')}; see \`vmm daemon status\`.`,
  });
}
