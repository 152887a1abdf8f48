import { VmmError } from '../../contract/errors.ts';

/** A petabyte: what the daemon takes at most for a disk. */
const maxMiB = 2 ** 30;
/** Less memory than this boots no guest. */
export const minMemoryMiB = 64;

const unitMiB: Readonly<Record<string, number>> = { M: 1, G: 1024, T: 1024 * 1024 };

/** A size as people type it, in MiB: `2048`, `512M`, `2G`, `1.5GiB`. A bare number is MiB. Throws invalid_input. */
export function parseSizeMiB(text: string, option: string, minMiB = 1): number {
  const match = /^(\d+(?:\.\d+)?)\s*([MGT])?(?:i?B)?$/i.exec(text.trim());
  const unit = match?.[2]?.toUpperCase() ?? 'M';
  const mib = match === null ? Number.NaN : Number(match[1]) * (unitMiB[unit] ?? Number.NaN);
  if (!Number.isSafeInteger(mib) || mib < 1) {
    throw new VmmError('invalid_input', `"${text}" is no size for ${option}.`, {
      hint: `Give whole MiB, or a number with M, G or T: ${option} 2048, ${option} 2G`,
    });
  }
  if (mib < minMiB || mib > maxMiB) {
    throw new VmmError('invalid_input', `${text} is too ${mib < minMiB ? 'little' : 'much'} for ${option}.`, {
      hint: `Give from ${minMiB} MiB to ${maxMiB} MiB: ${option} ${Math.max(minMiB, 1024)}`,
    });
  }
  return mib;
}

/** A whole number within bounds. Throws invalid_input. */
export function parseCount(text: string, option: string, min: number, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count) || count < min || count > max) {
    throw new VmmError('invalid_input', `"${text}" cannot be used for ${option}.`, {
      hint: `Give a whole number from ${min} to ${max}: ${option} ${Math.max(min, 2)}`,
    });
  }
  return count;
}
