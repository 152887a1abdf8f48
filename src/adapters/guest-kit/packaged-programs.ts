import { access } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import type { CommandResult } from '../../ports/command-runner.ts';
import type { Workshop } from './workshop.ts';

/** Programs out of unpacked packages, run with the loader and libraries of those packages and not the host's. */
export interface PackagedPrograms {
  /** Absolute path of a program or another file. Throws kit_build_failed. */
  readonly find: (name: string, folders?: readonly string[]) => Promise<string>;
  readonly run: (name: string, args: readonly string[], as?: string) => Promise<CommandResult>;
  /** Paths of the shared libraries a program needs, by its loader's own account. */
  readonly librariesOf: (path: string) => Promise<string[]>;
  readonly loaderPath: string;
}

const programFolders = ['bin', 'sbin', 'usr/bin', 'usr/sbin'];
const libraryFolders = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

export async function packagedPrograms(shop: Workshop, tree: string): Promise<PackagedPrograms> {
  const find = (name: string, folders: readonly string[] = programFolders) =>
    firstExisting(
      folders.map((folder) => `${tree}/${folder}/${name}`),
      name,
    );
  const loaderPath = await find('ld-linux-x86-64.so.2', ['lib64', 'usr/lib64']);
  const libraryPath = libraryFolders.map((folder) => `${tree}/${folder}`).join(':');
  const load = (args: readonly string[]) =>
    shop.runner.run({
      program: loaderPath,
      args: ['--library-path', libraryPath, ...args],
      timeoutMs: 300_000,
      signal: shop.signal,
    });
  return {
    find,
    loaderPath,
    run: async (name, args, as = name) => load(['--argv0', as, await find(name), ...args]),
    librariesOf: async (path) => {
      const { stdout } = await load(['--list', path]);
      return [...stdout.matchAll(/=> (\/\S.*) \(0x[0-9a-f]+\)$/gm)].map((match) => match[1] ?? '');
    },
  };
}

async function firstExisting(paths: readonly string[], name: string): Promise<string> {
  for (const path of paths) {
    try {
      await access(path);
      return path;
    } catch {
      // The next folder may have it: distributions differ in whether /bin is /usr/bin.
    }
  }
  throw new VmmError('kit_build_failed', `The packages have no ${name}.`);
}
