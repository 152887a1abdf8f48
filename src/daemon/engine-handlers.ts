import type { Context } from '../engine/context.ts';
import { addForward, removeForward } from '../engine/forward/change.ts';
import { autostart } from '../engine/host/autostart.ts';
import { diagnose } from '../engine/host/doctor.ts';
import { deleteImage } from '../engine/image/delete.ts';
import { pullImage } from '../engine/image/pull.ts';
import { findImage, viewImage } from '../engine/image/view.ts';
import { addMount, removeMount } from '../engine/mount/change.ts';
import { notePulled, pullMount } from '../engine/mount/pull.ts';
import { syncMount } from '../engine/mount/sync.ts';
import { viewMounts } from '../engine/mount/views.ts';
import { attachConsole, readLogs } from '../engine/vm/console.ts';
import { createVm } from '../engine/vm/create.ts';
import { deleteVm } from '../engine/vm/delete.ts';
import { findVm } from '../engine/vm/find.ts';
import { restartVm } from '../engine/vm/restart.ts';
import { setVm } from '../engine/vm/set.ts';
import { sshAccess } from '../engine/vm/ssh-access.ts';
import { startVm } from '../engine/vm/start.ts';
import { stopVm } from '../engine/vm/stop.ts';
import { waitVm } from '../engine/vm/wait.ts';
import type { EngineHandlers } from './http/handlers.ts';

/** Each operation of the contract and the use case behind it. */
export function createEngineHandlers(context: Context): EngineHandlers {
  return {
    'vm.list': async () => context.store.listVms().map(({ vm }) => vm),
    'vm.create': ({ input }, reporter) => createVm(context, input, reporter),
    'vm.inspect': async ({ params }) => findVm(context, params.name).vm,
    'vm.set': ({ params, input }, { signal }) => setVm(context, params.name, input, signal),
    'vm.start': ({ params, input }, reporter) => startVm(context, params.name, input, reporter),
    'vm.stop': ({ params, input }, reporter) => stopVm(context, params.name, input, reporter),
    'vm.restart': ({ params, input }, reporter) => restartVm(context, params.name, input, reporter),
    'vm.delete': async ({ params, query }, { signal }) => {
      await deleteVm(context, params.name, query.force, signal);
      return { notices: [] };
    },
    'vm.wait': ({ params, query }, { signal }) => waitVm(context, params.name, query, signal),
    'vm.sshAccess': async ({ params }) => sshAccess(context, params.name),
    'vm.logs': ({ params, query }, { signal }) => readLogs(context, params.name, query, signal),
    'vm.console': ({ params }) => attachConsole(context, params.name),
    'forward.list': async ({ params }) => findVm(context, params.name).vm.spec.forwards,
    'forward.add': ({ params, input }, { signal }) => addForward(context, params.name, input, signal),
    'forward.remove': ({ params, query }, { signal }) => removeForward(context, params.name, query, signal),
    'mount.list': ({ params }) => viewMounts(context, findVm(context, params.name).vm),
    'mount.add': ({ params, input }) => addMount(context, params.name, input),
    'mount.remove': async ({ params, query }) => {
      await removeMount(context, params.name, params.tag, query.force);
      return {};
    },
    'mount.sync': ({ params }, reporter) => syncMount(context, params.name, params.tag, reporter),
    'mount.pull': ({ params, query }, { signal }) => pullMount(context, params.name, params.tag, query.kept, signal),
    'mount.pulled': ({ params, query }) => notePulled(context, params.name, params.tag, query.kept),
    'image.list': async () => context.store.listImages().map((image) => viewImage(context, image)),
    'image.inspect': async ({ params }) => viewImage(context, findImage(context, params.name)),
    'image.pull': ({ input }, reporter) => pullImage(context, input, reporter),
    'image.delete': async ({ params }) => {
      await deleteImage(context, params.name);
      return {};
    },
    'host.doctor': ({ query }, { signal }) => diagnose(context, query.canary, signal),
    'host.autostart': (_request, reporter) => autostart(context, reporter),
    'event.list': async ({ query }) => [
      ...context.store.listEvents({ after: query.after, subject: query.subject, limit: query.limit }),
    ],
  };
}
