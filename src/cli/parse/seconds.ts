import { InvalidArgumentError } from 'commander';

/** A number of seconds for commander's options: 1 to a day. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > 86_400) throw new InvalidArgumentError('give 1 to 86400 seconds');
  return seconds;
}
