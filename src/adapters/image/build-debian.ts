import { readdir, readFile } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { Progress } from '../../contract/stream.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { distributionSources, releaseOf } from './apt-sources.ts';
import { debianChanges } from './debian-files.ts';
import { excludedPaths, imagePackages } from './debian-packages.ts';
import { applyChanges } from './tree-files.ts';

export interface DebianOptions {
  readonly runner: CommandRunner;
  /** Default: `/etc`. */
  readonly hostEtc: string;
  readonly tree: string;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** Makes the tree of the default image with mmdebstrap. Returns where it came from. */
export async function buildDebian({ runner, hostEtc, tree, onProgress, signal }: DebianOptions): Promise<string> {
  const release = releaseOf(await readFile(`${hostEtc}/os-release`, 'utf8'));
  if (release === undefined || release.codename === '') {
    throw new VmmError(
      'not_supported',
      'The default image is made from the packages of Debian or Ubuntu, and this host is neither.',
      {
        hint: 'Use a host with Debian 12 or Ubuntu 24.04',
      },
    );
  }
  const sources = distributionSources(release, await sourceFiles(hostEtc));
  onProgress({ step: 'packages', message: `Fetching the packages of ${release.id} ${release.codename}` });
  await runner.run({
    program: 'mmdebstrap',
    args: [
      ...['--verbose', '--variant=minbase', '--mode=root', `--include=${imagePackages.join(',')}`],
      ...excludedPaths().map((path) => `--dpkgopt=path-exclude=${path}`),
      ...[release.codename, tree, '-'],
    ],
    stdin: sources,
    timeoutMs: 1_800_000,
    signal,
    onLine: packageCounter(onProgress),
  });
  onProgress({ step: 'configure', message: 'Fitting it to start fast' });
  await applyChanges(tree, debianChanges());
  return `mmdebstrap:${release.codename}`;
}

async function sourceFiles(hostEtc: string): Promise<{ name: string; text: string }[]> {
  const folder = `${hostEtc}/apt/sources.list.d`;
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name)).sort();
  const paths = [`${hostEtc}/apt/sources.list`, ...names.map((name) => `${folder}/${name}`)];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
  return paths.map((name, index) => ({ name, text: texts[index] ?? '' }));
}

/** apt tells how many packages each of its rounds brings, dpkg each one it sets up. */
export function packageCounter(onProgress: (progress: Progress) => void): (line: string) => void {
  let total = 0;
  let current = 0;
  return (line) => {
    total += Number(/^\d+ upgraded, (\d+) newly installed/.exec(line)?.[1] ?? 0);
    const name = /^Setting up ([^\s:]+)/.exec(line)?.[1];
    if (name === undefined) return;
    current += 1;
    onProgress({
      step: 'install',
      message: `Setting up ${name}`,
      current,
      total: Math.max(total, current),
      unit: 'items',
    });
  };
}
