export interface IdleWatch {
  /** Something came or went: look again. */
  poke(): void;
  close(): void;
}

/** Calls `onIdle` once nothing was to do for `idleMs` in a row. */
export function createIdleWatch(options: {
  readonly idleMs: number;
  readonly isIdle: () => boolean;
  readonly onIdle: () => void;
}): IdleWatch {
  const { idleMs, isIdle, onIdle } = options;
  let timer: NodeJS.Timeout | undefined;
  const close = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    poke() {
      if (!isIdle()) close();
      else timer ??= setTimeout(onIdle, idleMs);
    },
    close,
  };
}
