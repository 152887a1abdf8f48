import type { DaemonStatus, HostConfig } from '../contract/resources/host.ts';
import type { DaemonOperation, Handlers } from './http/handlers.ts';
import type { WorkRegistry } from './http/work.ts';

export interface OwnHandlerDeps {
  readonly settings: HostConfig;
  readonly status: () => DaemonStatus;
  readonly work: WorkRegistry;
  readonly stop: (reason: string) => void;
}

/** What the daemon answers by itself. */
export function createOwnHandlers({ settings, status, work, stop }: OwnHandlerDeps): Pick<Handlers, DaemonOperation> {
  return {
    'host.config': async () => settings,
    'daemon.status': async () => status(),
    'daemon.stop': async () => {
      // After the answer is on its way.
      setImmediate(() => stop('a client asked for it'));
      return {};
    },
    'operation.cancel': async ({ params }) => {
      work.cancel(params.id);
      return {};
    },
  };
}
