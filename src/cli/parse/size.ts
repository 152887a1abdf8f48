import { VmmError } from '../../contract/errors.ts';

const unitMiB: Readonly<Record<string, number>> = { M: 1, G: 1024, T: 1024 * 1024 };

/** A size as people type it, in MiB: `2048`, `512M`, `2G`, `1.5GiB`. A bare number is MiB. Throws invalid_input. */
export function parseSizeMiB(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([MGT])?(?:i?B)?$/i.exec(text.trim());
  const unit = match?.[2]?.toUpperCase() ?? 'M';
  const mib = match === null ? Number.NaN : Number(match[1]) * (unitMiB[unit] ?? Number.NaN);
  if (!Number.isSafeInteger(mib) || mib < 1) {
    throw new VmmError('invalid_input', `"${text}" is no size for ${option}.`, {
      hint: `Give whole MiB, or a number with M, G or T: ${option} 2048, ${option} 2G`,
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
