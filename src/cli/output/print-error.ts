import type { ProblemDetails } from '../../contract/errors.ts';
import { asVmmError, errorCatalogue, exitCodes, toProblem, type VmmError } from '../../contract/errors.ts';
import { printable } from './format.ts';

/** The exit code of an error: the one place of the command line where a code becomes a number. */
export function exitCodeOf(error: VmmError): number {
  return exitCodes[errorCatalogue[error.code].exit];
}

export function errorText(error: VmmError, prefix = ''): string {
  const lines = [`Error: ${prefix}${printable(error.message)}`];
  if (error.detail !== undefined && error.detail.trim() !== '') {
    for (const line of printable(error.detail).trimEnd().split('\n')) lines.push(`  | ${line}`);
  }
  if (error.hint !== undefined) lines.push(`Hint: ${printable(error.hint)}`);
  return `${lines.join('\n')}\n`;
}

export type ErrorJson = Pick<ProblemDetails, 'code' | 'hint' | 'detail' | 'retryable'> & { readonly message: string };

export function errorJson(error: VmmError): ErrorJson {
  const { code, title, hint, detail, retryable } = toProblem(error);
  return {
    code,
    message: title,
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
    retryable,
  };
}

/** Prints any thrown value to stderr and returns the exit code. With `debug` the stack and its causes follow. */
export function printError(
  thrown: unknown,
  options: {
    readonly stderr: NodeJS.WritableStream;
    readonly json: boolean;
    readonly debug: boolean;
    readonly prefix?: string;
  },
): number {
  const error = asVmmError(thrown);
  options.stderr.write(
    options.json ? `${JSON.stringify({ error: errorJson(error) })}\n` : errorText(error, options.prefix),
  );
  if (options.debug) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      options.stderr.write(`${cause.stack ?? cause.message}\n`);
    }
  }
  return exitCodeOf(error);
}
