import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { VmmError } from '../../contract/errors.ts';
import { type OperationId, operations } from '../../contract/operations.ts';
import { upgradeProtocol } from '../../contract/protocol.ts';
import type { Logger } from '../logger.ts';
import { answerDuplex, refuseRaw } from './answer.ts';
import { type AnyHandler, eraseTypes } from './any-handler.ts';
import { assertVersion } from './assert-version.ts';
import type { Handlers } from './handlers.ts';
import { toLoggedProblem } from './problem.ts';
import { type AnyRequest, createValidator } from './validate.ts';
import type { WorkRegistry } from './work.ts';

interface UpgradeRoute {
  readonly id: string;
  readonly method: string;
  readonly pattern: URLPattern;
  readonly validate: (raw: AnyRequest) => AnyRequest;
  readonly handler: AnyHandler;
}

export interface UpgradeOptions {
  readonly work: WorkRegistry;
  readonly handlers: Handlers;
  readonly version: string;
  readonly logger: Logger;
}

/** `duplex` operations: fastify has no upgrades, so these are matched here, with the same validation and errors. */
export function acceptUpgrades(server: Server, { handlers, version, logger, work }: UpgradeOptions): void {
  const routes = Object.entries(operations)
    .filter(([, operation]) => operation.mode === 'duplex')
    .map(
      ([id, operation]): UpgradeRoute => ({
        id,
        method: operation.method,
        pattern: new URLPattern({ pathname: operation.path }),
        validate: createValidator(operation),
        handler: eraseTypes(handlers, id as OperationId), // The keys of the table are its ids.
      }),
    );

  server.on('upgrade', async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The client may go at any moment; 'close' tells what must be told.
    socket.on('error', () => undefined);
    let operation = 'none';
    try {
      const { route, raw } = find(routes, request);
      operation = route.id;
      work.assertOpen();
      assertVersion(request.headers, version);
      const parsed = route.validate(raw);
      await answerDuplex(socket, head, upgradeProtocol, version, (context) => route.handler.duplex(parsed, context));
    } catch (thrown) {
      refuseRaw(socket, toLoggedProblem(thrown, logger, operation), version);
    }
  });
}

function find(routes: readonly UpgradeRoute[], request: IncomingMessage) {
  const url = URL.parse(request.url ?? '/', 'http://vmm');
  for (const route of routes) {
    const match = url === null || request.method !== route.method ? null : route.pattern.exec(url);
    if (match === null || url === null) continue;
    return {
      route,
      raw: { params: match.pathname.groups, query: Object.fromEntries(url.searchParams), input: undefined },
    };
  }
  throw new VmmError('route_not_found', `The API has no upgrade at ${String(request.url).slice(0, 200)}.`);
}
