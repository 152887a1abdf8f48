import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { VmmError } from '../../contract/errors.ts';
import type { VmHandle } from '../../ports/hypervisor.ts';

/** A client that stops reading is cut off rather than held in memory. */
const mostBufferedBytes = 4 * 2 ** 20;

interface Hub {
  readonly socket: Socket;
  readonly clients: Set<Duplex>;
}

/** An engine's console socket takes one client; a hub is that client, and everybody attached shares it. */
export function createConsoleHubs(): { attach(handle: VmHandle): Promise<Duplex> } {
  const hubs = new Map<string, Promise<Hub>>();

  const open = (path: string): Promise<Hub> => {
    const known = hubs.get(path);
    if (known !== undefined) return known;
    const hub = connectHub(path, () => hubs.delete(path));
    hubs.set(path, hub);
    hub.catch(() => hubs.delete(path));
    return hub;
  };

  return {
    async attach(handle) {
      const { socket, clients } = await open(handle.consoleSocketPath);
      const client = new Duplex({
        read: () => undefined,
        write: (chunk: Buffer, _encoding, callback) => void socket.write(chunk, () => callback()),
        destroy(error, callback) {
          clients.delete(client);
          if (clients.size === 0) socket.destroy();
          callback(error);
        },
      });
      clients.add(client);
      return client;
    },
  };
}

async function connectHub(path: string, onClose: () => void): Promise<Hub> {
  const socket = connect(path);
  const clients = new Set<Duplex>();
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (cause) =>
      reject(
        new VmmError('guest_unreachable', 'The console of the VM does not answer.', {
          hint: 'vmm inspect NAME',
          cause,
        }),
      ),
    );
  });
  socket.on('data', (chunk) => {
    for (const client of clients) {
      client.push(chunk);
      if (client.readableLength > mostBufferedBytes) client.destroy();
    }
  });
  socket.on('error', () => undefined); // 'close' follows and tells the clients
  socket.once('close', () => {
    onClose();
    for (const client of clients) client.push(null);
  });
  return { socket, clients };
}
