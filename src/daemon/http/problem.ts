import type { FastifyError } from 'fastify';
import { asVmmError, type ProblemDetails, toProblem, VmmError } from '../../contract/errors.ts';
import type { Logger } from '../logger.ts';

/** The one edge where errors become what is sent. What is no fault of the caller is logged with its stack, and sent without. */
export function toLoggedProblem(thrown: unknown, logger: Logger, operation: string): ProblemDetails {
  const error = fromFastify(thrown) ?? asVmmError(thrown);
  if (error.code !== 'internal') {
    logger.info({ operation, code: error.code, err: error.message }, 'refused or failed');
    return toProblem(error);
  }
  logger.error({ operation, err: error.cause ?? error }, 'unexpected fault');
  return toProblem(
    new VmmError('internal', error.message, { hint: error.hint ?? 'state/daemon.log in the data directory has more.' }),
  );
}

/** Fastify's own refusals, by their documented codes. */
function fromFastify(thrown: unknown): VmmError | undefined {
  if (!isFastifyError(thrown)) return undefined;
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new VmmError('invalid_input', 'The request body is too large.', {
        hint: 'At most 1 MiB, and 2 MiB where user data is part of it.',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new VmmError('invalid_input', 'The request body must be application/json.');
    default:
      return (thrown.statusCode ?? 500) < 500 ? new VmmError('invalid_input', `${thrown.message}.`) : undefined;
  }
}

function isFastifyError(thrown: unknown): thrown is FastifyError {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_');
}
