/** dns-server.ts ADDRESS NAME ANSWER: a DNS server over UDP that knows one A record (RFC 1035, section 4). */
import { createSocket } from 'node:dgram';

const [address = '127.0.0.1', name = '', answer = ''] = process.argv.slice(2);
const typeA = 1;

/** The question's name and the offset behind it. */
function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length !== 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function reply(message: Buffer): Buffer {
  const question = readName(message);
  const known = question.name.toLowerCase() === name;
  const answered = known && message.readUInt16BE(question.end) === typeA;
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  // A response, recursion available, and NXDOMAIN for other names.
  header.writeUInt16BE(0x8180 | (known ? 0 : 3), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answered ? 1 : 0, 6);
  // Pointer to the question's name, type A, class IN, 60 s, 4 bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...answer.split('.').map(Number)]);
  return Buffer.concat([header, message.subarray(12, question.end + 4), ...(answered ? [record] : [])]);
}

const socket = createSocket('udp4', (message, peer) => {
  try {
    socket.send(reply(message), peer.port, peer.address);
  } catch {
    // No DNS question: not worth an answer.
  }
});
socket.bind(53, address, () => console.log('ready'));
