import type { CommandRunner } from '../../ports/command-runner.ts';
import { blockBytes, inodeBytes } from './make-ext4.ts';

/** Where in the image the inodes are that are in use: pairs of first byte and length. For images of our own making only. */
export async function usedInodeTables(
  runner: CommandRunner,
  imagePath: string,
  signal: AbortSignal,
): Promise<readonly [number, number][]> {
  const { stdout } = await runner.run({ program: 'dumpe2fs', args: [imagePath], signal, timeoutMs: 120_000 });
  return parseInodeTables(stdout);
}

/** Reads dumpe2fs(8)'s text. A group tells its table as `Inode table at 41-552` and its tail without use as `8180 unused inodes`. */
export function parseInodeTables(text: string): readonly [number, number][] {
  const perGroup = Number(/^Inodes per group:\s+(\d+)/m.exec(text)?.[1]);
  const ranges: [number, number][] = [];
  for (const group of text.split(/^Group \d+:/m).slice(1)) {
    const firstBlock = Number(/Inode table at (\d+)/.exec(group)?.[1]);
    const unused = Number(/(\d+) unused inodes/.exec(group)?.[1] ?? 0);
    const length = (perGroup - unused) * inodeBytes;
    if (Number.isInteger(firstBlock) && length > 0) ranges.push([firstBlock * blockBytes, length]);
  }
  return ranges;
}
