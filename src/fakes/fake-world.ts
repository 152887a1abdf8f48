import { layout } from '../domain/layout.ts';
import type { EnginePorts } from '../ports/engine-ports.ts';
import { FakeChannel } from './fake-channel.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeConsoles } from './fake-consoles.ts';
import { FakeFiles } from './fake-files.ts';
import { FakeHost } from './fake-host.ts';
import { FakeHypervisor } from './fake-hypervisor.ts';
import { FakeImages } from './fake-images.ts';
import { FakeKit } from './fake-kit.ts';
import { FakeMountReader } from './fake-mount-reader.ts';
import { FakeNetwork } from './fake-network.ts';
import { FakeProcesses } from './fake-processes.ts';
import { emptyDatabase, fakeStateStore } from './fake-state-store.ts';
import { FakeVolumes } from './fake-volumes.ts';
import { leftovers } from './leftovers.ts';
import { Life, onStage, Script } from './stage.ts';

/** Every port, as one run of the daemon has it. */
export interface FakePorts extends EnginePorts {
  /** Resolves when the daemon of these ports is killed. */
  readonly died: Promise<void>;
}

/**
 * An imagined host. Its parts are for tests to look at and to meddle with; what is under test is handed `daemon()`,
 * once for each run of the daemon: the host stays, the earlier daemon is dead.
 */
export function fakeWorld({ dataDir = '/var/lib/vmm' }: { readonly dataDir?: string } = {}) {
  const paths = layout(dataDir);
  const clock = new FakeClock();
  const processes = new FakeProcesses();
  const host = new FakeHost();
  const files = new FakeFiles();
  const network = new FakeNetwork();
  const consoles = new FakeConsoles();
  const hypervisor = new FakeHypervisor({ consoles, files, network, processes });
  const volumes = new FakeVolumes({ files, layout: paths, host, clock });
  const kit = new FakeKit({ files, layout: paths, clock });
  const images = new FakeImages({ files, layout: paths, clock });
  const channel = new FakeChannel({ clock, network, hypervisors: [hypervisor] });
  const mountReader = new FakeMountReader({ files });
  const database = emptyDatabase();
  const script = new Script();
  let life = new Life();

  return {
    paths,
    clock,
    processes,
    host,
    files,
    network,
    hypervisor,
    volumes,
    kit,
    images,
    channel,
    mountReader,
    consoles,
    database,
    script,

    /** A new run of the daemon; the one before is killed. */
    daemon(): FakePorts {
      life.end();
      life = new Life();
      const staged = <T extends object>(name: string, port: T): T => onStage(name, port, script, life);
      return {
        clock: staged('clock', clock),
        processes: staged('processes', processes),
        hypervisors: [staged('hypervisor', hypervisor)],
        network: staged('network', network),
        volumes: staged('volumes', volumes),
        kit: staged('kit', kit),
        images: staged('images', images),
        channel: staged('channel', channel),
        mountReader: staged('mountReader', mountReader),
        consoles: staged('consoles', consoles),
        store: staged('store', fakeStateStore(database)),
        host: staged('host', host),
        died: life.died,
      };
    },

    /** Everything on the host that no VM of the database accounts for; empty when nothing leaked. */
    leftovers: (): readonly string[] => leftovers({ paths, processes, files, network, hypervisor, consoles, database }),
  };
}
export type FakeWorld = ReturnType<typeof fakeWorld>;
