import type { Image } from '../../../src/contract/resources/image.ts';
import { vmSpecSchema } from '../../../src/contract/resources/vm.ts';
import type { VmRow } from '../../../src/ports/state-store.ts';

/** A VM row with the defaults of the contract. */
export function vmRow(name: string, changes: Partial<VmRow> = {}): VmRow {
  return {
    vm: {
      id: `id-${name}`,
      name,
      createdAt: '2026-01-01T00:00:00.000Z',
      spec: vmSpecSchema.parse({}),
      status: { phase: 'stopped', ready: false },
    },
    machineId: '0'.repeat(32),
    hostPrivateKey: 'private',
    hostPublicKey: 'public',
    disk: { kind: 'overlay', path: `/vms/${name}/disk.img`, sizeBytes: 1024 },
    baseDigest: imageNamed('debian').digest,
    imageConfig: imageNamed('debian').config,
    record: undefined,
    stoppedByUser: false,
    ...changes,
  };
}

export function imageNamed(name: string): Image {
  return {
    name,
    digest: `sha256:${'a'.repeat(64)}`,
    createdAt: '2026-01-01T00:00:00.000Z',
    source: 'test',
    sizeBytes: 10,
    diskBytes: 5,
    config: { entrypoint: [], cmd: ['sh'], env: [], user: 'root', workdir: '/', hasSshd: false, hasAgent: false },
  };
}
