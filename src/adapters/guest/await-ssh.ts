import { createConnection } from 'node:net';
import { VmmError } from '../../contract/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** A booting guest drops or refuses connections; an sshd that is up may need seconds for its banner under emulation. */
const connectTimeoutMs = 400;
const bannerTimeoutMs = 15_000;
const pauseMs = 50;
/** RFC 4253, 4.2: lines before the identification string are allowed; this is room enough for them. */
const longestGreeting = 8 * 1024;

/** Resolves when an SSH server answers at ip:port with its identification string. Errors: guest_timeout, aborted. */
export async function awaitSsh(
  clock: Clock,
  target: { readonly ip: string; readonly port: number },
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  while (!either.aborted) {
    if (await answers(target, either)) return;
    await clock.sleep(pauseMs, either).catch(() => undefined);
  }
  if (signal.aborted) throw new VmmError('aborted', `Waiting for ${target.ip} was cancelled.`);
  throw new VmmError('guest_timeout', `The guest at ${target.ip} did not answer ssh within ${timeoutMs / 1000} s.`, {
    hint: 'See what it says: vmm logs <vm>',
  });
}

/** One attempt: true when the banner came. */
function answers({ ip, port }: { readonly ip: string; readonly port: number }, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: ip, port });
    let greeting = '';
    const settle = (answered: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(answered);
    };
    const giveUp = () => settle(false);
    let timer = setTimeout(giveUp, connectTimeoutMs);
    signal.addEventListener('abort', giveUp, { once: true });
    socket.on('connect', () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, bannerTimeoutMs);
    });
    socket.on('data', (chunk) => {
      greeting += chunk.toString('latin1');
      if (/^SSH-(2\.0|1\.99)-/m.test(greeting)) settle(true);
      else if (greeting.length > longestGreeting) settle(false);
    });
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    if (signal.aborted) giveUp();
  });
}
