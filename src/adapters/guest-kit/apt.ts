import { mkdir, writeFile } from 'node:fs/promises';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { Workshop } from './workshop.ts';

/** apt with the host's sources, keys and proxy; nothing of the host's own apt is changed. */
export interface Apt {
  readonly runner: CommandRunner;
  readonly signal: AbortSignal;
  readonly options: readonly string[];
}

/** A package as the signed lists have it. */
export interface PackageFile {
  readonly name: string;
  /** `name_version_arch.deb` */
  readonly file: string;
  readonly hash: string;
}

/** Reads the lists that the host has already. */
export function hostApt({ runner, signal }: Workshop): Apt {
  return { runner, signal, options: ['-o', 'APT::Sandbox::User=root'] };
}

/**
 * Fetches the lists anew into a directory of our own, which any user may do. The host's hooks for updates (which clear
 * its caches and wake its desktop) are left out.
 */
export async function freshApt({ runner, signal }: Workshop, cacheDir: string): Promise<Apt> {
  const dir = `${cacheDir}/apt`;
  await Promise.all(['lists/partial', 'archives/partial'].map((name) => mkdir(`${dir}/${name}`, { recursive: true })));
  await writeFile(`${dir}/status`, '');
  const settings = {
    'Dir::State': dir,
    'Dir::State::lists': `${dir}/lists`,
    'Dir::State::status': `${dir}/status`,
    'Dir::Cache': dir,
    'Dir::Cache::archives': `${dir}/archives`,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  await writeFile(`${dir}/apt.conf`, `#clear APT::Update;\n${lines.join('\n')}\n`);
  // -c is read after the host's own configuration, so its values win.
  const options = ['-c', `${dir}/apt.conf`];
  await runner.run({
    program: 'apt-get',
    args: [...options, '--error-on=any', 'update'],
    timeoutMs: 300_000,
    signal,
  });
  return { runner, signal, options };
}

const dependsOnly = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  (kind) => `--no-${kind}`,
);

/** The roots and, of what they depend on, every package whose name `follow` matches. Sorted. */
export async function resolvePackages(apt: Apt, roots: readonly string[], follow: RegExp): Promise<string[]> {
  const found = new Set(roots);
  let frontier = [...roots];
  while (frontier.length > 0) {
    const { stdout } = await apt.runner.run({
      program: 'apt-cache',
      args: [...apt.options, 'depends', ...dependsOnly, ...frontier],
      timeoutMs: 60_000,
      signal: apt.signal,
    });
    frontier = dependencyNames(stdout).filter((name) => follow.test(name) && !found.has(name));
    for (const name of frontier) found.add(name);
  }
  return [...found].sort();
}

/** Names after `Depends:`, `PreDepends:` or an alternative's `|Depends:`; virtual packages stand in angle brackets and are no file. */
export function dependencyNames(text: string): string[] {
  const names = [...text.matchAll(/^[ |]+(?:Pre)?Depends: ([^<\s]+)$/gm)].map((match) => match[1] ?? '');
  return [...new Set(names)];
}

/** What apt would fetch, with the hashes of the signed lists. */
export async function locatePackages(apt: Apt, names: readonly string[]): Promise<PackageFile[]> {
  const { stdout } = await apt.runner.run({
    program: 'apt-get',
    args: [...apt.options, 'download', '--print-uris', ...names],
    timeoutMs: 60_000,
    signal: apt.signal,
  });
  return packageFiles(stdout);
}

/** `'uri' name_version_arch.deb size KIND:hash`, one a line. */
export function packageFiles(text: string): PackageFile[] {
  return [...text.matchAll(/^'[^']+' (([^_\s]+)_\S+\.deb) \d+ (\S+:[0-9a-f]+)$/gm)]
    .map(([, file = '', name = '', hash = '']) => ({ name, file, hash }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** Downloads packages into a directory. apt checks each against the signed lists and fails on a mismatch. */
export async function downloadPackages(
  apt: Apt,
  names: readonly string[],
  dir: string,
  onPackage: (count: number) => void,
): Promise<void> {
  let count = 0;
  await apt.runner.run({
    program: 'apt-get',
    args: [...apt.options, 'download', ...names],
    cwd: dir,
    timeoutMs: 900_000,
    signal: apt.signal,
    onLine: (line) => {
      if (/^Get:\d/.test(line)) onPackage(++count);
    },
  });
}
