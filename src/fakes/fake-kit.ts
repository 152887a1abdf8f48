import type { Layout } from '../domain/layout.ts';
import type { Clock } from '../ports/clock.ts';
import type { GuestKit, Kit } from '../ports/guest-kit.ts';
import type { FakeFiles } from './fake-files.ts';
import { stopIfAborted } from './fake-network.ts';

/** A guest kit that is built in no time and then found in the imagined data directory. */
export class FakeKit implements GuestKit {
  readonly #files: FakeFiles;
  readonly #kit: Kit;

  constructor({ files, layout, clock }: { files: FakeFiles; layout: Layout; clock: Clock }) {
    this.#files = files;
    const digest = 'f'.repeat(64);
    const folder = `${layout.kernels}/${digest}`;
    this.#kit = {
      kernel: { name: 'default', version: '6.1.0', digest, createdAt: clock.now().toISOString() },
      digest,
      vmlinuxPath: `${folder}/vmlinux`,
      vmlinuzPath: `${folder}/vmlinuz`,
      initramfsPath: `${folder}/initramfs`,
      modulesPath: `${folder}/modules.ext4`,
      busyboxPath: `${folder}/busybox`,
    };
  }

  async current(): Promise<Kit | undefined> {
    return this.#files.has(this.#kit.modulesPath) ? this.#kit : undefined;
  }

  async ensure({ onProgress, signal }: Parameters<GuestKit['ensure']>[0]): Promise<Kit> {
    stopIfAborted(signal);
    if ((await this.current()) !== undefined) return this.#kit;
    onProgress({ step: 'kit', message: 'Making the guest kit' });
    const { vmlinuxPath, vmlinuzPath, initramfsPath, modulesPath, busyboxPath } = this.#kit;
    for (const path of [vmlinuxPath, vmlinuzPath, initramfsPath, modulesPath, busyboxPath])
      this.#files.put(path, 1024 ** 2);
    return this.#kit;
  }
}
