import type { Progress } from '../../contract/stream.ts';
import { progressText } from './progress-text.ts';

export type ProgressMode = 'auto' | 'plain' | 'quiet';

/** Shows long work on stderr. `subject` names the VM or image, so that several can be shown at once. */
export interface ProgressView {
  update(subject: string, progress: Progress): void;
  /** Something the user should be told, whatever the mode. Said once, though it comes on the way and in the result. */
  notice(text: string): void;
  /** Work on the subject has ended, well or not. */
  end(subject: string): void;
  close(): void;
}

/** `auto` draws live lines on a terminal and nothing elsewhere; `plain` prints one line a step; `quiet` prints notices alone. */
export async function createProgressView(stream: NodeJS.WriteStream, mode: ProgressMode): Promise<ProgressView> {
  const live = mode === 'auto' && stream.isTTY;
  const view = live
    ? (await import('./live-view.ts')).createLiveView(stream)
    : createPlainView(stream, mode === 'plain');
  const told = new Set<string>();
  return {
    ...view,
    notice(text) {
      if (!told.has(text)) view.notice(text);
      told.add(text);
    },
  };
}

function createPlainView(stream: NodeJS.WritableStream, steps: boolean): ProgressView {
  const current = new Map<string, string>();
  return {
    update(subject, progress) {
      if (!steps || current.get(subject) === progress.step) return;
      current.set(subject, progress.step);
      stream.write(`${subject}: ${progressText(progress)}\n`);
    },
    notice: (text) => void stream.write(`Note: ${text}\n`),
    end: (subject) => void current.delete(subject),
    close: () => {},
  };
}
