import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createConsoles } from '../adapters/guest/create-consoles.ts';
import { createGuestChannel } from '../adapters/guest/create-guest-channel.ts';
import { createGuestKit } from '../adapters/guest-kit/create-guest-kit.ts';
import { createCommandRunner } from '../adapters/host/create-command-runner.ts';
import { createProcessTable } from '../adapters/host/create-process-table.ts';
import { hostInfo } from '../adapters/host/host-info.ts';
import { systemClock } from '../adapters/host/system-clock.ts';
import { createMountReader } from '../adapters/hypervisor/qemu/create-mount-reader.ts';
import { createQemu } from '../adapters/hypervisor/qemu/create-qemu.ts';
import { createImageSource } from '../adapters/image/create-image-source.ts';
import { createHostNetwork } from '../adapters/network/host-network.ts';
import { openStateStore } from '../adapters/state/open-state-store.ts';
import { createVolumeStore } from '../adapters/storage/create-volume-store.ts';
import type { HostConfig } from '../contract/resources/host.ts';
import { layout as layoutOf } from '../domain/layout.ts';
import type { Context } from '../engine/context.ts';
import { reconcile } from '../engine/host/reconcile.ts';
import { Locks } from '../engine/locks.ts';
import type { Compose } from './composition.ts';
import { createEngineHandlers } from './engine-handlers.ts';
import { startUpkeep } from './upkeep.ts';

/** The only place that knows every implementation. */
export const compose: Compose = async (settings, logger, signal) => {
  const context = createContext(settings);
  context.listeners.add(({ type, subject, message }) => logger.info({ type, subject }, message));
  try {
    await reconcile(context, signal);
  } catch (error) {
    await letGo(context);
    throw error;
  }
  const upkeep = startUpkeep(context, logger);
  return {
    handlers: createEngineHandlers(context),
    running: () =>
      context.store.listVms().filter(({ vm, record }) => record !== undefined || vm.status.phase === 'starting').length,
    vms: () => context.store.listVms().map(({ vm }) => vm),
    onChange: (listener) => void context.listeners.add(() => listener()),
    async close() {
      upkeep[Symbol.dispose]();
      await letGo(context);
    },
  };
};

/** Without touching a VM. */
async function letGo(context: Context): Promise<void> {
  for (const handle of context.handles.values()) handle.detach();
  await context.network.close();
  context.store.close();
}

function createContext(settings: HostConfig): Context {
  const layout = layoutOf(settings.data_dir);
  const runner = createCommandRunner();
  const clock = systemClock;
  const processes = createProcessTable({ clock });
  const kit = createGuestKit({ runner, clock, layout, guestDir: findGuestDir() });
  const qemu = { runner, processes, clock, layout };
  return {
    clock,
    processes,
    hypervisors: [createQemu(qemu)],
    network: createHostNetwork({
      runner,
      settings: { bridge: settings.bridge_name, subnet: settings.subnet, hostInterface: settings.host_interface },
    }),
    volumes: createVolumeStore({ runner, layout, clock }),
    kit,
    images: createImageSource({ runner, clock, layout, host: hostInfo, kit }),
    channel: createGuestChannel({ runner, clock, layout }),
    mountReader: createMountReader({ ...qemu, kit }),
    consoles: createConsoles(),
    store: openStateStore(layout.database),
    host: hostInfo,
    settings: { subnet: settings.subnet, engine: settings.engine, layout },
    locks: new Locks(),
    handles: new Map(),
    listeners: new Set(),
  };
}

/** `guest/` of the package: beside dist/ when built, two folders up when run from the sources. */
function findGuestDir(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'guest');
    if (existsSync(join(candidate, 'init'))) return candidate;
  }
  throw new Error(`No folder guest/ was found above ${import.meta.dirname}: the installation is incomplete.`);
}
