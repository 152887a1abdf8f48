/**
 * Mode, method and path of every operation, without the schemas: loading zod would cost the command line more than all
 * else it does. A line that differs from the operations table, or is missing, does not compile.
 */
import type { OperationId, operations } from '../contract/operations.ts';

type Route<Id extends OperationId> = Pick<(typeof operations)[Id], 'mode' | 'method' | 'path'>;

export const routes: { readonly [Id in OperationId]: Route<Id> } = {
  'vm.list': { mode: 'plain', method: 'GET', path: '/v1/vms' },
  'vm.create': { mode: 'progress', method: 'POST', path: '/v1/vms' },
  'vm.inspect': { mode: 'plain', method: 'GET', path: '/v1/vms/:name' },
  'vm.set': { mode: 'plain', method: 'PATCH', path: '/v1/vms/:name' },
  'vm.start': { mode: 'progress', method: 'POST', path: '/v1/vms/:name/start' },
  'vm.stop': { mode: 'progress', method: 'POST', path: '/v1/vms/:name/stop' },
  'vm.restart': { mode: 'progress', method: 'POST', path: '/v1/vms/:name/restart' },
  'vm.delete': { mode: 'plain', method: 'DELETE', path: '/v1/vms/:name' },
  'vm.wait': { mode: 'plain', method: 'GET', path: '/v1/vms/:name/wait' },
  'vm.sshAccess': { mode: 'plain', method: 'GET', path: '/v1/vms/:name/ssh' },
  'vm.logs': { mode: 'bytes', method: 'GET', path: '/v1/vms/:name/logs' },
  'vm.console': { mode: 'duplex', method: 'GET', path: '/v1/vms/:name/console' },
  'forward.list': { mode: 'plain', method: 'GET', path: '/v1/vms/:name/forwards' },
  'forward.add': { mode: 'plain', method: 'POST', path: '/v1/vms/:name/forwards' },
  'forward.remove': { mode: 'plain', method: 'DELETE', path: '/v1/vms/:name/forwards' },
  'mount.list': { mode: 'plain', method: 'GET', path: '/v1/vms/:name/mounts' },
  'mount.add': { mode: 'plain', method: 'POST', path: '/v1/vms/:name/mounts' },
  'mount.remove': { mode: 'plain', method: 'DELETE', path: '/v1/vms/:name/mounts/:tag' },
  'mount.sync': { mode: 'progress', method: 'POST', path: '/v1/vms/:name/mounts/:tag/sync' },
  'mount.pull': { mode: 'bytes', method: 'POST', path: '/v1/vms/:name/mounts/:tag/pull' },
  'mount.pulled': { mode: 'plain', method: 'POST', path: '/v1/vms/:name/mounts/:tag/pulled' },
  'image.list': { mode: 'plain', method: 'GET', path: '/v1/images' },
  'image.inspect': { mode: 'plain', method: 'GET', path: '/v1/images/:name' },
  'image.pull': { mode: 'progress', method: 'POST', path: '/v1/images/pull' },
  'image.delete': { mode: 'plain', method: 'DELETE', path: '/v1/images/:name' },
  'host.config': { mode: 'plain', method: 'GET', path: '/v1/host/config' },
  'host.doctor': { mode: 'plain', method: 'GET', path: '/v1/host/doctor' },
  'host.autostart': { mode: 'progress', method: 'POST', path: '/v1/host/autostart' },
  'event.list': { mode: 'plain', method: 'GET', path: '/v1/events' },
  'operation.cancel': { mode: 'plain', method: 'POST', path: '/v1/operations/:id/cancel' },
  'daemon.status': { mode: 'plain', method: 'GET', path: '/v1/daemon' },
  'daemon.stop': { mode: 'plain', method: 'POST', path: '/v1/daemon/stop' },
};
