import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { VmmError } from '../../../contract/errors.ts';
import { readerPort } from '../../../domain/guest-protocol.ts';
import type { BootFiles } from '../../../ports/hypervisor.ts';
import type { MountReader } from '../../../ports/mount-reader.ts';
import { type MachineChoice, optionValue, serialBusArguments, virtio } from './argv.ts';
import type { QemuDeps } from './deps.ts';
import { runKitGuest } from './kit-guest.ts';

/** Printed by guest/init when the whole tree was read. */
const readerMark = 'vmm-reader-ok';
/** A guest that sends nothing for this long hangs; its boot is the longest silence. */
const silenceTimeoutMs = 120_000;
const wholeTimeoutMs = 6 * 3600 * 1000;
/** A sparse file can claim more than any disk has, and tar writes out its zeros: more than this times the image is refused. */
const expansionLimit = 4;
const slackBytes = 64 * 1024 * 1024;
const tarBlock = 512;

export interface ReaderDeps extends QemuDeps {
  /** The kit to boot, and how guests run here. Errors: those of the kit and of the probe. */
  readonly prepare: (signal: AbortSignal) => Promise<{ readonly boot: BootFiles; readonly choice: MachineChoice }>;
}

/** Reads file systems that guests wrote inside a guest of its own, which has no network and one port to send by. */
export function createReader(deps: ReaderDeps): MountReader {
  return {
    async readTree(imagePath, signal) {
      const { boot, choice } = await deps.prepare(signal);
      const { size } = await stat(imagePath).catch((cause: unknown) => {
        throw new VmmError('storage_failed', `The image ${imagePath} cannot be read.`, { cause });
      });
      await mkdir(deps.layout.tmp, { recursive: true });
      const cwd = await mkdtemp(join(deps.layout.tmp, 'reader-'));
      const tar = new PassThrough();
      // Ends the guest when the stream is given up, or when the guest goes too far.
      const stop = new AbortController();
      const done = read(deps, { boot, choice, imagePath, size, cwd, tar, stop, signal })
        .catch((error: unknown) => {
          const failure = toFailure(error, imagePath, signal, stop.signal);
          tar.destroy(failure);
          throw failure;
        })
        .finally(() => rm(cwd, { recursive: true, force: true }));
      // The caller reads the tar first and asks for the verdict afterwards.
      done.catch(() => undefined);
      tar.once('close', () => stop.abort(new VmmError('aborted', 'The stream was closed by its reader.')));
      return { tar, done };
    },
  };
}

interface Reading {
  readonly boot: BootFiles;
  readonly choice: MachineChoice;
  readonly imagePath: string;
  readonly size: number;
  readonly cwd: string;
  readonly tar: PassThrough;
  readonly stop: AbortController;
  readonly signal: AbortSignal;
}

async function read(deps: ReaderDeps, reading: Reading): Promise<void> {
  const { boot, choice, cwd, stop } = reading;
  // We listen and QEMU connects: no byte can be lost to a socket that nobody has opened yet.
  const server = createServer({ pauseOnConnect: true });
  const received = Promise.withResolvers<void>();
  server.once('connection', (socket) => {
    server.close();
    const silence = setTimeout(() => {
      // While our caller does not take what is there, it is not the guest that is silent.
      if (reading.tar.writableNeedDrain) silence.refresh();
      else stop.abort(silent());
    }, silenceTimeoutMs);
    pipeline(
      socket,
      wholeBlocks(reading, () => silence.refresh()),
      reading.tar,
      { end: false },
    )
      .then(received.resolve, received.reject)
      .finally(() => clearTimeout(silence));
  });
  received.promise.catch((error: unknown) => stop.abort(error));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(join(cwd, 'tar.sock'), resolve);
  });
  try {
    const { stdout } = await runKitGuest(deps, {
      role: 'reader',
      choice,
      boot,
      devices: readerDevices(choice, reading.imagePath),
      quiet: true,
      cwd,
      timeoutMs: wholeTimeoutMs,
      signal: AbortSignal.any([reading.signal, stop.signal]),
    });
    if (!stdout.includes(readerMark)) throw unread(reading.imagePath, stdout);
  } finally {
    server.close();
  }
  await received.promise;
  reading.tar.end();
}

function readerDevices(choice: MachineChoice, imagePath: string): string[] {
  return [
    // snapshot=on: the image itself is opened read-only, and writes (the replay of a journal) go to an overlay that
    // QEMU has unlinked in TMPDIR.
    '-drive',
    `if=none,id=image,format=raw,snapshot=on,file=${optionValue(imagePath)}`,
    '-device',
    `${virtio(choice, 'blk')},drive=image`,
    ...serialBusArguments(choice),
    '-chardev',
    'socket,id=tar,path=tar.sock',
    '-device',
    `virtserialport,bus=ports.0,chardev=tar,name=${readerPort}`,
  ];
}

/**
 * Lets whole blocks of the archive pass and counts them. What is left at the end is a piece of the zeros that guest/init
 * sends after the archive, cut by the power-off; no reader of tar wants half a block.
 */
function wholeBlocks({ imagePath, size }: Reading, onChunk: () => void): Transform {
  const limit = expansionLimit * size + slackBytes;
  let seen = 0;
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _, next) {
      onChunk();
      seen += chunk.length;
      if (seen > limit) {
        const message = `The files in ${imagePath} claim more than ${expansionLimit} times its size.`;
        const hint = 'A sparse file of the guest may be the cause; remove it there, or copy what you need by `vmm cp`.';
        return next(new VmmError('engine_failed', message, { hint }));
      }
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % tarBlock);
      rest = bytes.subarray(whole);
      return next(undefined, bytes.subarray(0, whole));
    },
  });
}

function silent(): VmmError {
  return new VmmError('guest_timeout', `The reader guest sent nothing for ${silenceTimeoutMs / 1000} s.`, {
    hint: 'The host may be overloaded; see `top`, and try again.',
  });
}

function unread(imagePath: string, consoleText: string): VmmError {
  return new VmmError('engine_failed', `The file system ${imagePath} could not be read whole.`, {
    hint: 'Its file system is damaged: start the VM, which repairs it, and try again.',
    detail: consoleText.trim().slice(-4_000),
  });
}

/** What stopped the guest is the cause; that it was stopped is not. */
function toFailure(error: unknown, imagePath: string, signal: AbortSignal, stop: AbortSignal): VmmError {
  if (signal.aborted) return new VmmError('aborted', `Reading ${imagePath} was cancelled.`, { cause: error });
  if (stop.aborted && stop.reason instanceof VmmError) return stop.reason;
  if (error instanceof VmmError) return error;
  return new VmmError('engine_failed', `Reading ${imagePath} failed.`, { hint: 'vmm doctor', cause: error });
}
