import type { Progress } from '../../contract/stream.ts';
import { formatBytes, printable } from './format.ts';

/** "Fetching packages  12.0 MiB of 40.0 MiB (30%)". */
export function progressText(progress: Progress): string {
  const message = printable(progress.message);
  if (progress.current === undefined) return message;
  const amount = (value: number) => (progress.unit === 'bytes' ? formatBytes(value) : String(value));
  if (progress.total === undefined || progress.total <= 0) return `${message}  ${amount(progress.current)}`;
  const percent = Math.min(100, Math.floor((100 * progress.current) / progress.total));
  return `${message}  ${amount(progress.current)} of ${amount(progress.total)} (${percent}%)`;
}
