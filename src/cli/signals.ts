import { exitCodes } from '../contract/errors.ts';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const tellAfterMs = 500;

export interface Signals {
  readonly signal: AbortSignal;
  /** While set, Ctrl-C is left to the program on our terminal, which gets it too, and is only counted. */
  lent: { interrupts: number } | undefined;
  release(): void;
}

/** The first signal cancels, so that what was begun is undone; the second leaves at once. */
export function watchSignals(stderr: NodeJS.WriteStream): Signals {
  const controller = new AbortController();
  const listener = (name: NodeJS.Signals) => {
    if (signals.lent !== undefined && name === 'SIGINT') {
      signals.lent.interrupts += 1;
      return;
    }
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
    // Most work ends at once; only what has much to undo needs a word.
    const tell = () => stderr.isTTY && stderr.write('\nCancelling; press Ctrl-C again to leave at once.\n');
    setTimeout(tell, tellAfterMs).unref();
  };
  for (const name of names) process.on(name, listener);
  const signals: Signals = {
    signal: controller.signal,
    lent: undefined,
    release() {
      for (const name of names) process.off(name, listener);
    },
  };
  return signals;
}
