/** The API on one unix socket, built from the operations table. */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { VmmError } from '../../contract/errors.ts';
import type { Operation } from '../../contract/operation.ts';
import { type OperationId, operations } from '../../contract/operations.ts';
import { bodyLimitBytes, problemMediaType, upgradeProtocol, versionHeader } from '../../contract/protocol.ts';
import type { Logger } from '../logger.ts';
import { acceptUpgrades } from './accept-upgrades.ts';
import { type AnswerContext, answerBytes, answerProgress, asWork, refuseRaw, whileConnected } from './answer.ts';
import { type AnyHandler, eraseTypes } from './any-handler.ts';
import { assertVersion } from './assert-version.ts';
import type { Handlers } from './handlers.ts';
import { toLoggedProblem } from './problem.ts';
import { createValidator } from './validate.ts';
import type { WorkRegistry } from './work.ts';

/** What the daemon answers to a client of any version: how else could that one find out, and replace it? */
const versionFree: ReadonlySet<string> = new Set<OperationId>(['daemon.status', 'daemon.stop']);

/** Neither reads nor work: they must be heard when the daemon has too much to do, and when it is stopping. */
const control: ReadonlySet<string> = new Set<OperationId>(['operation.cancel', 'daemon.stop']);

export interface ServerOptions {
  readonly handlers: Handlers;
  readonly version: string;
  readonly logger: Logger;
  readonly work: WorkRegistry;
}

export function buildServer(options: ServerOptions): FastifyInstance {
  const { handlers, version, logger, work } = options;
  const server: FastifyInstance = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    // Other upgrades that clients offer by themselves (such as h2c) are passed over, as HTTP allows.
    http: { shouldUpgradeCallback: (request) => request.headers.upgrade === upgradeProtocol },
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error, 'none'),
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
      const error = new VmmError('invalid_input', 'This is no HTTP request.');
      refuseRaw(socket, toLoggedProblem(error, logger, 'none'), version);
    },
  });

  const sendProblem = (reply: FastifyReply, thrown: unknown, operation: string) => {
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    const problem = toLoggedProblem(thrown, logger, operation);
    reply.code(problem.status).header('content-type', problemMediaType).header(versionHeader, version);
    // As text: fastify would take an object with `statusCode`-like fields for an error of its own.
    void reply.send(JSON.stringify(problem));
  };

  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    // A client that names the type and sends nothing has sent nothing.
    if (text === '') done(null, undefined);
    else parseJson(request, text, done);
  });
  server.setErrorHandler((error, request, reply) => {
    // The client went in the middle of its own request: nobody is left to answer, and nobody is at fault.
    if (request.raw.errored === error) return;
    sendProblem(reply, error, request.routeOptions.url ?? 'none');
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new VmmError('route_not_found', `The API has no ${request.method} ${request.url.slice(0, 200)}.`);
    sendProblem(reply, error, 'none');
  });

  for (const [id, operation] of Object.entries(operations)) {
    const handler = eraseTypes(handlers, id as OperationId); // The keys of the table are its ids.
    const answer = route(operation, handler, { operation: id, version, logger, work });
    server.route({
      method: operation.method,
      url: operation.path,
      bodyLimit: bodyLimitBytes(id),
      handler: async (request, reply) => {
        if (!control.has(id)) work.assertOpen();
        if (!versionFree.has(id)) assertVersion(request.headers, version);
        await answer(request, reply);
        return reply;
      },
    });
  }
  acceptUpgrades(server.server, { handlers, version, logger, work });
  return server;
}

function route(operation: Operation, handler: AnyHandler, context: AnswerContext) {
  const validate = createValidator(operation);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    // Fastify has parsed a path that has parameters into an object.
    const parsed = validate({ params: request.params as object, query: request.query, input: request.body });
    switch (operation.mode) {
      case 'plain': {
        const output = await (operation.method === 'GET' || control.has(context.operation)
          ? whileConnected(reply.raw, (signal) => handler.plain(parsed, { signal }))
          : asWork(context.work, ({ signal }) => handler.plain(parsed, { signal })));
        reply.header(versionHeader, context.version).header('cache-control', 'no-store');
        reply.type('application/json').send(JSON.stringify(output ?? null));
        return;
      }
      case 'progress':
        await answerProgress(reply.raw, parsed, handler.progress, context);
        reply.hijack();
        return;
      case 'bytes':
        await answerBytes(reply.raw, parsed, handler.bytes, context);
        reply.hijack();
        return;
      case 'duplex':
        throw new VmmError('invalid_input', 'This operation needs a connection upgrade to vmm-stream.');
    }
  };
}
