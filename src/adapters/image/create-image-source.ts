import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { VmmError } from '../../contract/errors.ts';
import { type ImageConfig, imageConfigSchema } from '../../contract/resources/image.ts';
import type { Layout } from '../../domain/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { GuestKit } from '../../ports/guest-kit.ts';
import type { HostInfo } from '../../ports/host-info.ts';
import type { ImageSource } from '../../ports/image-source.ts';
import { buildDebian } from './build-debian.ts';
import { buildTiny } from './build-tiny.ts';
import { asImageError } from './image-errors.ts';
import { makeBase } from './make-base.ts';

export interface ImageSourceDeps {
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly layout: Layout;
  readonly host: Pick<HostInfo, 'isRoot'>;
  /** Has the busybox of the `tiny` recipe. */
  readonly kit: GuestKit;
  /** Where the host's os-release and apt sources are; default /etc. */
  readonly hostEtc?: string;
}

type BuildOptions = Parameters<ImageSource['build']>[0];

export function createImageSource(deps: ImageSourceDeps): ImageSource {
  const { runner, clock, layout } = deps;
  return {
    build: async (options) => {
      if (!deps.host.isRoot()) {
        throw new VmmError('not_root', 'Making an image needs root, since its files belong to several users.', {
          hint: `sudo vmm image pull ${options.name}`,
        });
      }
      let scratch: string | undefined;
      try {
        await mkdir(layout.tmp, { recursive: true });
        scratch = await mkdtemp(`${layout.tmp}/image-`);
        const tree = `${scratch}/tree`;
        const source = await buildTree(deps, options, tree);
        options.onProgress({ step: 'filesystem', message: 'Making the file system' });
        const base = await makeBase({ runner, layout, tree, scratch, signal: options.signal });
        const config = configs[options.recipe];
        return { name: options.name, createdAt: clock.now().toISOString(), source, ...base, config };
      } catch (thrown) {
        throw asImageError(thrown, options.name);
      } finally {
        if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
      }
    },
    basePath: (digest) => layout.baseImage(digest),
    remove: (digest) => rm(layout.baseImage(digest), { force: true }),
  };
}

const configs: Readonly<Record<BuildOptions['recipe'], ImageConfig>> = {
  debian: imageConfigSchema.parse({ init: '/sbin/init', hasSshd: true, hasAgent: true }),
  tiny: imageConfigSchema.parse({}),
};

async function buildTree(deps: ImageSourceDeps, options: BuildOptions, tree: string): Promise<string> {
  const { runner } = deps;
  const { onProgress, signal } = options;
  switch (options.recipe) {
    case 'debian':
      return buildDebian({ runner, hostEtc: deps.hostEtc ?? '/etc', tree, onProgress, signal });
    case 'tiny': {
      const { busyboxPath } = await deps.kit.ensure({ onProgress, signal });
      onProgress({ step: 'configure', message: 'Laying out busybox' });
      return buildTiny({ runner, busyboxPath, tree, signal });
    }
  }
}
