import { createLogUpdate } from 'log-update';
import type { Progress } from '../../contract/stream.ts';
import { formatDuration } from './format.ts';
import { progressText } from './progress-text.ts';
import type { ProgressView } from './progress-view.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

interface Line {
  progress: Progress;
  readonly startedAt: number;
}

/** One live line a subject on a terminal: spinner, step, amount, time since the step began. */
export function createLiveView(stream: NodeJS.WriteStream): ProgressView {
  const draw = createLogUpdate(stream, { showCursor: true });
  const lines = new Map<string, Line>();
  let tick = 0;

  const render = () => {
    const now = Date.now();
    const width = Math.max(20, (stream.columns ?? 80) - 1);
    const shown = [...lines].map(([subject, { progress, startedAt }]) => {
      const elapsed = now - startedAt >= 1000 ? `  ${formatDuration(now - startedAt)}` : '';
      return `${frames[tick % frames.length]} ${subject}: ${progressText(progress)}${elapsed}`.slice(0, width);
    });
    if (shown.length > 0) draw(shown.join('\n'));
    else draw.clear();
  };
  const timer = setInterval(() => {
    tick += 1;
    render();
  }, frameMs);
  // The work keeps the process alive, never its picture.
  timer.unref();

  return {
    update(subject, progress) {
      const line = lines.get(subject);
      if (line?.progress.step === progress.step) {
        // Shown at the next tick: amounts come with every piece of data.
        line.progress = progress;
        return;
      }
      lines.set(subject, { progress, startedAt: Date.now() });
      render();
    },
    notice(text) {
      draw.clear();
      stream.write(`Note: ${text}\n`);
      render();
    },
    end(subject) {
      lines.delete(subject);
      render();
    },
    close() {
      clearInterval(timer);
      lines.clear();
      draw.clear();
    },
  };
}
