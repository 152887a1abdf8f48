import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostConfig } from '../contract/resources/host.ts';
import { daemonSocket, layout } from '../domain/layout.ts';
import type { Compose } from './composition.ts';
import { emptyScratch, prepareDataDir } from './data-dir.ts';
import type { Handlers } from './http/handlers.ts';
import { buildServer } from './http/server.ts';
import { createWorkRegistry } from './http/work.ts';
import { createIdleWatch } from './idle.ts';
import { acquireDaemonLock } from './lock.ts';
import { createLogger, type Logger } from './logger.ts';
import { createOwnHandlers } from './own-handlers.ts';
import { createStatusPublisher } from './publish-status.ts';
import { assertSocketPath, clearStaleSocket, isServed, listen, openToGroup } from './socket.ts';

export interface DaemonOptions {
  readonly settings: HostConfig;
  readonly version: string;
  /** Stays although idle: a service keeps it. */
  readonly keep: boolean;
  /** How long it stays with no VM running and no client connected. */
  readonly idleMs: number;
  /** What running changes are given to end at a stop, before they are cancelled and undone. */
  readonly graceMs: number;
  /** How long to wait for a daemon that is about to go. */
  readonly lockTimeoutMs: number;
}

export interface Daemon {
  /** Ends it in order; VMs are not touched. Idempotent. */
  stop(reason: string): void;
  /** Resolves once all is let go. */
  readonly stopped: Promise<void>;
}

/** What a cancelled change is given to undo what it had begun. */
const undoMs = 10_000;
/** What clients are given to read the rest of their answers. */
const lastAnswersMs = 1_000;

/**
 * Starts the daemon of a data directory: lock, log, engine, status file, socket, in this order, and lets go in the
 * reverse one. An abort of `signal` stops it, in the middle of the start too.
 * Errors: daemon_running, invalid_config, storage_failed, and those of `compose`.
 */
export async function startDaemon(options: DaemonOptions, compose: Compose, signal: AbortSignal): Promise<Daemon> {
  const { settings, version } = options;
  const paths = layout(settings.data_dir);
  const socketPath = daemonSocket(settings.data_dir);
  assertSocketPath(socketPath);

  await using undo = new AsyncDisposableStack();
  await prepareDataDir(settings.data_dir);
  const isTaken = () => isServed(socketPath);
  undo.use(await acquireDaemonLock(paths.daemonLock, { timeoutMs: options.lockTimeoutMs, isServed: isTaken, signal }));
  await clearStaleSocket(socketPath);
  await emptyScratch(settings.data_dir);
  const logger = createLogger({ path: paths.daemonLog });
  undo.defer(() => logger.closeFile());
  logger.info({ version, settings, keep: options.keep }, 'starting');

  const engine = await compose(settings, logger, signal);
  undo.defer(() => engine.close());
  signal.throwIfAborted();

  const publisher = await createStatusPublisher({
    path: paths.statusFile,
    version,
    socket: socketPath,
    vms: () => engine.vms(),
    logger,
  });
  undo.defer(() => publisher.close());
  const stopping = Promise.withResolvers<string>();
  const sockets = new Set<Socket>();
  const startedAt = new Date().toISOString();
  const work = createWorkRegistry(() => idle.poke());
  const idle = createIdleWatch({
    idleMs: options.idleMs,
    isIdle: () => !options.keep && engine.running() === 0 && sockets.size === 0 && work.count() === 0,
    onIdle: () => stopping.resolve('nothing was to do'),
  });
  undo.defer(() => idle.close());

  const own = createOwnHandlers({
    settings,
    work,
    stop: stopping.resolve,
    status: () => ({
      pid: process.pid,
      version,
      startedAt,
      dataDir: settings.data_dir,
      socket: socketPath,
      vms: engine.vms().length,
      running: engine.running(),
      clients: sockets.size,
      kept: options.keep,
    }),
  });
  const handlers: Handlers = { ...engine.handlers, ...own };
  const api = buildServer({ handlers, version, logger, work });
  trackSockets(api.server, sockets, () => idle.poke());
  await api.ready();
  await listen(api.server, socketPath);
  undo.defer(async () => {
    // Nobody new from here on: the socket file goes with the listener, while we still hold the lock.
    const closed = api.close();
    work.refuse();
    await work.settled(options.graceMs);
    work.cancelAll();
    await work.settled(undoMs);
    await lastAnswers(api.server, sockets);
    await closed;
  });
  await openToGroup(socketPath);

  engine.onChange(() => {
    publisher.changed();
    idle.poke();
  });
  idle.poke();
  logger.info({ socket: socketPath }, 'ready');

  signal.addEventListener('abort', () => stopping.resolve('it was told to end'), { once: true });
  const held = undo.move();
  return { stop: stopping.resolve, stopped: stopping.promise.then((reason) => letGo(held, logger, reason)) };
}

async function letGo(held: AsyncDisposableStack, logger: Logger, reason: string): Promise<void> {
  logger.info({ reason }, 'stopping');
  await held.disposeAsync();
}

function trackSockets(server: Server, sockets: Set<Socket>, onChange: () => void): void {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    onChange();
    socket.on('close', () => {
      sockets.delete(socket);
      onChange();
    });
  });
}

/** Answers that are under way go out; then followers of logs, consoles and clients that do not read are cut off. */
async function lastAnswers(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const deadline = Date.now() + lastAnswersMs;
  server.closeIdleConnections();
  while (sockets.size > 0 && Date.now() < deadline) {
    await sleep(20);
    server.closeIdleConnections();
  }
  for (const socket of sockets) socket.destroy();
}
