import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Endpoint, LocalListener } from './local-listener.ts';

/** A caller is forgotten after this silence: conntrack's own timeout for a UDP stream (nf_conntrack_udp_timeout_stream). */
const idleMs = 120_000;
/** Sockets that one forward may hold; the caller that has been silent for longest gives way. */
const callerLimit = 512;

interface Caller {
  readonly socket: Socket;
  timer: NodeJS.Timeout;
}

/** Carries datagrams between local callers and a guest, one socket a caller so that answers find their way back. */
export async function listenUdp(at: Endpoint, guest: Endpoint): Promise<LocalListener> {
  const server = isIPv6(at.address) ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4');
  /** In order of last use. */
  const callers = new Map<string, Caller>();

  const forget = (key: string) => {
    const caller = callers.get(key);
    if (caller === undefined) return;
    callers.delete(key);
    clearTimeout(caller.timer);
    caller.socket.close();
  };
  const expiry = (key: string) => setTimeout(() => forget(key), idleMs).unref();
  const touch = (key: string, caller: Caller) => {
    clearTimeout(caller.timer);
    caller.timer = expiry(key);
    callers.delete(key);
    callers.set(key, caller);
  };

  server.on('message', (data, { address, port }) => {
    const key = `${address} ${port}`;
    let caller = callers.get(key);
    if (caller === undefined) {
      const [oldest] = callers.keys();
      if (callers.size >= callerLimit && oldest !== undefined) forget(oldest);
      const socket = createSocket('udp4');
      caller = { socket, timer: expiry(key) };
      const own = caller;
      // Only the guest's answers pass; any host may send to an open UDP port.
      socket.on('message', (answer, from) => {
        if (from.address !== guest.address || from.port !== guest.port || callers.get(key) !== own) return;
        touch(key, own);
        server.send(answer, port, address, () => undefined);
      });
      // An ICMP "port unreachable" of the guest: a datagram lost, as UDP may.
      socket.on('error', () => forget(key));
    }
    touch(key, caller);
    caller.socket.send(data, guest.port, guest.address, () => undefined);
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.bind({ address: at.address, port: at.port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', () => undefined);
  return {
    async close() {
      for (const key of [...callers.keys()]) forget(key);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
