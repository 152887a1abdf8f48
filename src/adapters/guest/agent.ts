import { createConnection } from 'node:net';
import { z } from 'zod';

/** Answers to the commands we send are a line of some bytes. A guest that sends more is not listened to. */
const longestAnswer = 64 * 1024;

/** Marks the begin of the answer to guest-sync-delimited; it can be in no JSON text (QEMU: docs/interop/qemu-ga-ref). */
const sentinel = 0xff;

const answerSchema = z.object({ return: z.unknown() });

export interface AgentCall {
  readonly command: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** Some commands, such as guest-shutdown, answer only when they fail. */
  readonly expectsAnswer: boolean;
}

/**
 * Sends one command to the qemu-guest-agent behind a socket, after a synchronization that throws away whatever an
 * earlier client left unread. True when the agent answered (or, where it sends no answer, was in step and took the
 * command); false when it did not in time, or when what came is no answer.
 */
export function callAgent(
  socketPath: string,
  call: AgentCall,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly syncId: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    let received = Buffer.alloc(0);
    let synchronized = false;
    const settle = (answered: boolean) => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(answered);
    };
    const giveUp = () => settle(false);
    const timer = setTimeout(giveUp, options.timeoutMs);
    options.signal.addEventListener('abort', giveUp, { once: true });
    const send = (command: string, args?: AgentCall['args']) =>
      JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }) });

    const onLine = (line: string) => {
      const answer = parseAnswer(line);
      if (synchronized) return settle(answer !== undefined);
      if (answer?.value !== options.syncId) return;
      synchronized = true;
      const request = `${send(call.command, call.args)}\n`;
      if (call.expectsAnswer) socket.write(request);
      else socket.write(request, () => settle(true));
    };

    socket.on('connect', () => {
      // The sentinel first, so that the agent's parser drops what it may have half read.
      socket.write(Buffer.of(sentinel));
      socket.write(`${send('guest-sync-delimited', { id: options.syncId })}\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!synchronized) received = received.subarray(received.lastIndexOf(sentinel) + 1);
      if (received.length > longestAnswer) return giveUp();
      for (let end = received.indexOf(0x0a); end !== -1; end = received.indexOf(0x0a)) {
        const line = received.toString('utf8', 0, end);
        received = received.subarray(end + 1);
        onLine(line);
      }
    });
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    if (options.signal.aborted) giveUp();
  });
}

function parseAnswer(line: string): { readonly value: unknown } | undefined {
  try {
    const parsed = answerSchema.safeParse(JSON.parse(line));
    return parsed.success ? { value: parsed.data.return } : undefined;
  } catch {
    return undefined;
  }
}
