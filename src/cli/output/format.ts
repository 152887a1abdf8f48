/** 512 → "512M", 2048 → "2G", 1536 → "1.5G". */
export function formatMiB(mib: number): string {
  if (mib < 1024) return `${mib}M`;
  const [size, unit] = mib < 1024 * 1024 ? [mib / 1024, 'G'] : [mib / 1024 / 1024, 'T'];
  return `${Number(size.toFixed(1))}${unit}`;
}

/** Bytes with the unit that reads best: "12.3 MiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** One or two units: "42s", "3m 5s", "2h 10m", "5d 3h". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  if (minutes > 0) return `${minutes}m ${seconds % 60}s`;
  return `${seconds}s`;
}

/** Text that a guest may have written, safe for a terminal: control characters other than newline and tab are dropped. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: dropping them is the point
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
