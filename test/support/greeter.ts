/** greeter.ts PORT TEXT: answers every TCP connection with a line. */
import { createServer } from 'node:net';

const [port, text] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end(`${text}\n`);
}).listen(Number(port), '0.0.0.0', () => console.log('ready'));
