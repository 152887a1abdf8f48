/** How an operation of each mode is answered. */
import type { ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { asVmmError, VmmError } from '../../contract/errors.ts';
import { frameMediaType, problemMediaType, problemTrailer, versionHeader } from '../../contract/protocol.ts';
import type { Logger } from '../logger.ts';
import { FrameWriter } from './frame-writer.ts';
import type { HandlerContext, ProgressContext } from './handlers.ts';
import { toLoggedProblem } from './problem.ts';
import type { AnyRequest } from './validate.ts';
import type { Work, WorkRegistry } from './work.ts';

export interface AnswerContext {
  readonly operation: string;
  readonly version: string;
  readonly logger: Logger;
  readonly work: WorkRegistry;
}

/** A read: given up when the client goes. */
export async function whileConnected<T>(response: ServerResponse, run: (signal: AbortSignal) => Promise<T>) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  response.on('close', abort);
  try {
    return await run(controller.signal);
  } finally {
    response.off('close', abort);
  }
}

/** A change: finished whether or not the client stays. */
export async function asWork<T>(registry: WorkRegistry, run: (work: Work) => Promise<T>): Promise<T> {
  const work = registry.begin();
  try {
    return await run(work);
  } finally {
    work.done();
  }
}

export async function answerProgress(
  response: ServerResponse,
  request: AnyRequest,
  handler: (request: AnyRequest, context: ProgressContext) => Promise<unknown>,
  { operation, version, logger, work: registry }: AnswerContext,
): Promise<void> {
  await asWork(registry, async (work) => {
    response.writeHead(200, { 'content-type': frameMediaType, 'cache-control': 'no-store', [versionHeader]: version });
    const frames = new FrameWriter(response);
    frames.operation(work.id);
    const startedAt = Date.now();
    try {
      const value = await handler(request, {
        signal: work.signal,
        onProgress: (progress) => frames.progress(progress),
        onNotice: (message) => frames.notice(message),
      });
      logger.info({ operation, id: work.id, params: request.params, ms: Date.now() - startedAt }, 'done');
      frames.end({ type: 'result', value: value ?? null });
    } catch (thrown) {
      frames.end({ type: 'error', problem: toLoggedProblem(cancelledAsAsked(thrown, work), logger, operation) });
    }
  });
}

/** Whatever was under way when the caller cancelled is no news to the caller. */
function cancelledAsAsked(thrown: unknown, work: Work): unknown {
  if (!work.signal.aborted || asVmmError(thrown).code !== 'aborted') return thrown;
  return new VmmError('aborted', 'Cancelled.', { hint: 'See where things stand: vmm list', cause: thrown });
}

/** Resolves once the head is sent. A source that fails later tells why in a trailer, since the status is gone by then. */
export async function answerBytes(
  response: ServerResponse,
  request: AnyRequest,
  handler: (request: AnyRequest, context: HandlerContext) => Promise<Readable>,
  { operation, version, logger }: AnswerContext,
): Promise<void> {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  const source = await handler(request, { signal: controller.signal });
  if (response.destroyed) {
    source.destroy();
    return;
  }
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    trailer: problemTrailer,
    [versionHeader]: version,
  });
  response.flushHeaders();
  source.on('error', (thrown) => {
    if (response.destroyed) return;
    const problem = toLoggedProblem(thrown, logger, operation);
    response.addTrailers({ [problemTrailer]: encodeURIComponent(JSON.stringify(problem)) });
    response.end();
  });
  response.on('close', () => source.destroy());
  source.pipe(response);
}

/** Joins the connection and the handler's stream after the upgrade. Either side's end is passed on; either side's loss ends both. */
export async function answerDuplex(
  socket: Duplex,
  head: Buffer,
  protocol: string,
  version: string,
  connect: (context: HandlerContext) => Promise<Duplex>,
): Promise<void> {
  const controller = new AbortController();
  socket.on('close', () => controller.abort());
  const stream = await connect({ signal: controller.signal });
  if (socket.destroyed) {
    stream.destroy();
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${versionHeader}: ${version}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  socket.on('close', () => stream.destroy());
  stream.on('close', () => {
    if (!socket.writableEnded) socket.destroy();
  });
  // A lost connection is an ordinary end here, and 'close' follows.
  socket.on('error', () => undefined);
  stream.on('error', () => undefined);
  socket.pipe(stream).pipe(socket);
}

/** A refusal on a raw connection, where fastify has no part: of an upgrade, or of what is no HTTP at all. */
export function refuseRaw(socket: Duplex, problem: { readonly status: number }, version: string): void {
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} Refused\r\nConnection: close\r\nContent-Type: ${problemMediaType}\r\n` +
      `${versionHeader}: ${version}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
