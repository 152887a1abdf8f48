import { createInterface } from 'node:readline';
import { askTcp, askUdp, type Server, serveTcp, serveUdp } from './sockets.ts';

/** Runs inside the namespace of a guest or of the outside, and does what it is told, one JSON order a line. */
export type Order =
  | {
      readonly do: 'serve';
      readonly protocol: 'tcp' | 'udp';
      readonly name: string;
      readonly address: string;
      readonly port: number;
    }
  | {
      readonly do: 'ask';
      readonly protocol: 'tcp' | 'udp';
      readonly address: string;
      readonly port: number;
      readonly text: string;
      readonly timeoutMs: number;
      /** Empty: any. */
      readonly from: string;
      readonly fromPort: number;
    }
  | { readonly do: 'heard' };

const servers: Server[] = [];

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'serve': {
      const serve = order.protocol === 'tcp' ? serveTcp : serveUdp;
      servers.push(await serve(order.name, order.address, order.port));
      return 'ok';
    }
    case 'ask':
      return order.protocol === 'tcp'
        ? askTcp(order.address, order.port, order.text, order.timeoutMs)
        : askUdp(order.address, order.port, order.text, order.timeoutMs, { address: order.from, port: order.fromPort });
    case 'heard':
      return servers.flatMap(({ heard }) => heard);
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  // Our own parent wrote it.
  const { id, order } = JSON.parse(line) as { id: number; order: Order };
  const answer = await obey(order).then(
    (value) => ({ id, value }),
    (error: unknown) => ({ id, error: String(error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
lines.on('close', () => process.exit(0));
