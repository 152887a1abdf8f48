/** The daemon's API on a real unix socket, with handlers that a test gives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { pino } from 'pino';
import { type Client, createClient } from '../../src/client/client.ts';
import { fakeHandlers } from '../../src/daemon/fake-composition.ts';
import type { EngineHandlers } from '../../src/daemon/http/handlers.ts';
import { buildServer } from '../../src/daemon/http/server.ts';
import { createWorkRegistry, type WorkRegistry } from '../../src/daemon/http/work.ts';
import { createOwnHandlers } from '../../src/daemon/own-handlers.ts';
import { listen } from '../../src/daemon/socket.ts';

let directory: string;
export let socketPath: string;
let closers: (() => Promise<unknown> | unknown)[];
export let logged: string[];
export let work: WorkRegistry;
export let connections: number;

/** Gives each test of the surrounding `describe` a socket of its own and clears up after it. */
export function useServer(): void {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vmm-http-'));
    socketPath = join(directory, 's');
    closers = [];
    logged = [];
    connections = 0;
  });

  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    await rm(directory, { recursive: true });
  });
}

export async function serve(given: Partial<EngineHandlers>): Promise<Client> {
  const logger = pino({}, { write: (line: string) => void logged.push(line) });
  work = createWorkRegistry(() => undefined);
  const own = createOwnHandlers({
    settings: {
      data_dir: directory,
      bridge_name: 'vmm-br0',
      subnet: '172.16.0.0/16',
      host_interface: '',
      engine: 'auto',
    },
    work,
    stop: () => undefined,
    status: () => ({
      pid: 1,
      version: '1',
      startedAt: '2026-01-01T00:00:00.000Z',
      dataDir: directory,
      socket: socketPath,
      vms: 0,
      running: 0,
      clients: 1,
      kept: false,
    }),
  });
  const server = buildServer({ handlers: { ...fakeHandlers(given), ...own }, version: '1', logger, work });
  server.server.on('connection', () => {
    connections += 1;
  });
  await server.ready();
  await listen(server.server, socketPath);
  closers.push(() => {
    server.server.closeAllConnections();
    return server.close();
  });
  return clientOf('1');
}

export function clientOf(version: string): Client {
  const client = createClient({ socketPath, version });
  closers.push(() => client.close());
  return client;
}

interface Raw {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

export async function send(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Raw> {
  const outgoing = httpRequest({
    socketPath,
    method,
    path,
    headers: { 'content-type': 'application/json', ...headers },
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, type: response.headers['content-type'], text };
}

export const refusal = (raw: Raw) => {
  assert.match(raw.type ?? '', /^application\/problem\+json/);
  const problem = JSON.parse(raw.text);
  assert.equal(problem.status, raw.status);
  assert.equal(problem.stack, undefined);
  return problem;
};
