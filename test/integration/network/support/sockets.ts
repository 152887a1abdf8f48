import { createSocket } from 'node:dgram';
import { connect, createServer, isIPv6 } from 'node:net';

/** What a server saw of a caller. */
export interface Heard {
  readonly text: string;
  readonly from: string;
}

export interface Server {
  readonly heard: Heard[];
  close(): Promise<void>;
}

/** A server that answers `<name> saw <caller's address>: <text>`. */
export async function serveTcp(name: string, address: string, port: number): Promise<Server> {
  const heard: Heard[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const from = socket.remoteAddress ?? '';
      heard.push({ text: String(data), from });
      socket.write(`${name} saw ${from}: ${data}`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, resolve);
  });
  return { heard, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

export async function serveUdp(name: string, address: string, port: number): Promise<Server> {
  const heard: Heard[] = [];
  const server = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  server.on('message', (data, from) => {
    heard.push({ text: String(data), from: from.address });
    server.send(`${name} saw ${from.address}: ${data}`, from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.bind({ address, port }, resolve);
  });
  return { heard, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** The answer, or why there was none: `timeout` or an error code. */
export async function askTcp(address: string, port: number, text: string, timeoutMs: number): Promise<string> {
  const socket = connect({ host: address, port });
  try {
    return await new Promise<string>((resolve) => {
      socket.setTimeout(timeoutMs, () => resolve('timeout'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('connect', () => socket.write(text));
      socket.once('data', (data) => resolve(String(data)));
      socket.once('close', () => resolve('closed'));
    });
  } finally {
    socket.destroy();
  }
}

export async function askUdp(
  address: string,
  port: number,
  text: string,
  timeoutMs: number,
  from: { readonly address: string; readonly port: number } = { address: '', port: 0 },
): Promise<string> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    return await new Promise<string>((resolve) => {
      const timer = setTimeout(() => resolve('timeout'), timeoutMs);
      const settle = (answer: string) => {
        clearTimeout(timer);
        resolve(answer);
      };
      socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
      socket.once('message', (data) => settle(String(data)));
      socket.bind(from.address === '' ? { port: from.port } : from, () => {
        socket.send(text, port, address, (error) => {
          if (error) settle('code' in error ? String(error.code) : error.message);
        });
      });
    });
  } finally {
    socket.close();
  }
}
