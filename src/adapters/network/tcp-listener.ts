import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Endpoint, LocalListener } from './local-listener.ts';

/** Carries connections to a local port over to a guest. The guest sees them come from the bridge's address. */
export async function listenTcp(at: Endpoint, guest: Endpoint): Promise<LocalListener> {
  const open = new Set<Socket>();
  const track = (socket: Socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    const callee = connect({ host: guest.address, port: guest.port, allowHalfOpen: true });
    track(caller);
    track(callee);
    // pipeline passes a half close on, and ends both sides when one breaks. A guest that refuses looks like a refusal.
    callee.once('error', () => caller.resetAndDestroy());
    pipeline(caller, callee, () => undefined);
    pipeline(callee, caller, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.address, port: at.port, ipv6Only: true, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // An accept that fails (EMFILE) is one caller's loss, not the daemon's end.
  server.on('error', () => undefined);
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
