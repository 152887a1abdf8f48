/**
 * The operations table: the whole public surface, declared once. Routes, validation, the typed client, CLI help and
 * the references derive from it; a handler map that misses one does not compile (see daemon/http/handlers.ts).
 */
import { z } from 'zod';
import { operation } from './operation.ts';
import { eventSchema } from './resources/event.ts';
import { daemonStatusSchema, doctorCheckSchema, hostConfigSchema } from './resources/host.ts';
import { imageViewSchema, kernelSchema } from './resources/image.ts';
import { ipv4Schema, mountTagSchema, nameSchema, portSchema } from './resources/names.ts';
import { forwardSchema, mountSchema, mountViewSchema, sshAccessSchema, vmSchema, vmSpecSchema } from './resources/vm.ts';

const none = z.undefined();
const seconds = z.coerce.number().int().min(1).max(86_400);
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

export const vmCreateSchema = vmSpecSchema.partial().extend({ name: nameSchema });
/** What `vmm set` may change. Cpus, memory, disk, mounts and keys take effect at the next start. */
export const vmPatchSchema = vmSpecSchema
  .pick({ cpus: true, memoryMiB: true, diskMiB: true, sshKeys: true, dns: true, mounts: true, autostart: true, kernel: true, engine: true, ip: true, labels: true })
  .partial();
export const noticesSchema = z.array(z.string()).describe('Things the user should be told');
const vmWithNotices = z.object({ vm: vmSchema, notices: noticesSchema });

export const operations = {
  'vm.list': operation({
    method: 'GET', path: '/v1/vms', mode: 'plain', summary: 'List all VMs',
    query: none, input: none, output: z.array(vmSchema), errors: [], cli: 'list',
  }),
  'vm.create': operation({
    method: 'POST', path: '/v1/vms', mode: 'progress', summary: 'Create a VM',
    query: none, input: vmCreateSchema, output: vmWithNotices,
    errors: ['vm_exists', 'image_not_found', 'kernel_not_found', 'invalid_mount', 'invalid_ssh_key', 'address_in_use', 'port_in_use', 'too_few_resources', 'not_supported', 'disk_full', 'storage_failed'],
    cli: 'create',
  }),
  'vm.inspect': operation({
    method: 'GET', path: '/v1/vms/:name', mode: 'plain', summary: 'Show all of one VM',
    query: none, input: none, output: vmSchema, errors: ['vm_not_found'], cli: 'inspect',
  }),
  'vm.set': operation({
    method: 'PATCH', path: '/v1/vms/:name', mode: 'plain', summary: 'Change the settings of a VM',
    query: none, input: vmPatchSchema, output: vmWithNotices,
    errors: ['vm_not_found', 'vm_busy', 'illegal_state', 'address_in_use', 'invalid_mount', 'invalid_ssh_key', 'too_few_resources', 'kernel_not_found'], cli: 'set',
  }),
  'vm.start': operation({
    method: 'POST', path: '/v1/vms/:name/start', mode: 'progress', summary: 'Start a VM and wait until ssh answers',
    query: none, input: z.strictObject({ wait: z.boolean().default(true), timeoutSeconds: seconds.default(180) }), output: vmWithNotices,
    errors: ['vm_not_found', 'vm_busy', 'illegal_state', 'engine_unavailable', 'engine_failed', 'guest_timeout', 'guest_exited', 'subnet_exhausted', 'subnet_conflict', 'port_in_use', 'network_failed', 'host_program_missing', 'host_device_missing', 'too_few_resources', 'invalid_mount', 'disk_full', 'storage_failed', 'kit_build_failed', 'not_root'],
    cli: 'start',
  }),
  'vm.stop': operation({
    method: 'POST', path: '/v1/vms/:name/stop', mode: 'progress', summary: 'Stop a VM: ask the guest, then power off',
    query: none, input: z.strictObject({ force: z.boolean().default(false), timeoutSeconds: seconds.default(30) }), output: vmSchema,
    errors: ['vm_not_found', 'vm_busy', 'illegal_state', 'engine_failed'], cli: 'stop',
  }),
  'vm.restart': operation({
    method: 'POST', path: '/v1/vms/:name/restart', mode: 'progress', summary: 'Stop a VM and start it again',
    query: none, input: z.strictObject({ force: z.boolean().default(false), wait: z.boolean().default(true), timeoutSeconds: seconds.default(180) }), output: vmWithNotices,
    errors: ['vm_not_found', 'vm_busy', 'illegal_state', 'engine_failed', 'guest_timeout', 'guest_exited'], cli: 'restart',
  }),
  'vm.delete': operation({
    method: 'DELETE', path: '/v1/vms/:name', mode: 'plain', summary: 'Delete a VM and all its files',
    query: z.object({ force: flag.default(false) }), input: none, output: z.object({ notices: noticesSchema }),
    errors: ['vm_not_found', 'vm_busy', 'illegal_state', 'mount_has_changes'], cli: 'delete',
  }),
  'vm.wait': operation({
    method: 'GET', path: '/v1/vms/:name/wait', mode: 'plain', summary: 'Wait until a VM is ready or stopped',
    query: z.object({ for: z.enum(['ready', 'stopped']).default('ready'), timeoutSeconds: seconds.default(180) }), input: none, output: vmSchema,
    errors: ['vm_not_found', 'guest_timeout', 'guest_exited'], cli: 'wait',
  }),
  'vm.sshAccess': operation({
    method: 'GET', path: '/v1/vms/:name/ssh', mode: 'plain', summary: 'Address, key and host key for ssh',
    query: none, input: none, output: sshAccessSchema, errors: ['vm_not_found', 'illegal_state'], cli: 'ssh',
  }),
  'vm.logs': operation({
    method: 'GET', path: '/v1/vms/:name/logs', mode: 'bytes', summary: 'The console log of a VM',
    query: z.object({ follow: flag.default(false), tailLines: z.coerce.number().int().min(0).optional() }), input: none, output: none,
    errors: ['vm_not_found'], cli: 'logs',
  }),
  'vm.console': operation({
    method: 'GET', path: '/v1/vms/:name/console', mode: 'duplex', summary: 'Attach to the serial console',
    query: none, input: none, output: none, errors: ['vm_not_found', 'illegal_state'], cli: 'console',
  }),
  'forward.list': operation({
    method: 'GET', path: '/v1/vms/:name/forwards', mode: 'plain', summary: 'List the port forwards of a VM',
    query: none, input: none, output: z.array(forwardSchema), errors: ['vm_not_found'], cli: 'port-forward list',
  }),
  'forward.add': operation({
    method: 'POST', path: '/v1/vms/:name/forwards', mode: 'plain', summary: 'Forward a port of the host to a VM',
    query: none, input: forwardSchema, output: forwardSchema, errors: ['vm_not_found', 'port_in_use', 'vm_busy', 'network_failed', 'invalid_input'], cli: 'port-forward add',
  }),
  'forward.remove': operation({
    method: 'DELETE', path: '/v1/vms/:name/forwards', mode: 'plain', summary: 'Remove a port forward',
    query: z.object({ hostPort: z.coerce.number().pipe(portSchema), protocol: z.enum(['tcp', 'udp']).default('tcp'), bind: ipv4Schema.optional() }), input: none, output: forwardSchema,
    errors: ['vm_not_found', 'forward_not_found', 'vm_busy', 'network_failed'], cli: 'port-forward remove',
  }),
  'mount.list': operation({
    method: 'GET', path: '/v1/vms/:name/mounts', mode: 'plain', summary: 'List the mounts of a VM',
    query: none, input: none, output: z.array(mountViewSchema), errors: ['vm_not_found'], cli: 'mount list',
  }),
  'mount.add': operation({
    method: 'POST', path: '/v1/vms/:name/mounts', mode: 'plain', summary: 'Add a mount, from the next start on',
    query: none, input: mountSchema, output: mountViewSchema, errors: ['vm_not_found', 'vm_busy', 'invalid_mount'], cli: 'mount add',
  }),
  'mount.remove': operation({
    method: 'DELETE', path: '/v1/vms/:name/mounts/:tag', mode: 'plain', summary: 'Remove a mount',
    query: z.object({ force: flag.default(false) }), input: none, output: z.object({}), errors: ['vm_not_found', 'mount_not_found', 'vm_busy', 'illegal_state', 'mount_has_changes'], cli: 'mount remove',
  }),
  'mount.sync': operation({
    method: 'POST', path: '/v1/vms/:name/mounts/:tag/sync', mode: 'progress', summary: 'Make a mount image anew from the host directory',
    query: none, input: none, output: z.object({ mount: mountViewSchema, notices: noticesSchema }),
    errors: ['vm_not_found', 'mount_not_found', 'vm_busy', 'illegal_state', 'invalid_mount', 'disk_full', 'storage_failed'], cli: 'mount sync',
  }),
  'mount.pull': operation({
    method: 'POST', path: '/v1/vms/:name/mounts/:tag/pull', mode: 'bytes', summary: 'What the guest wrote to a mount, as a tar stream',
    query: z.object({ kept: z.string().optional() }), input: none, output: none,
    errors: ['vm_not_found', 'mount_not_found', 'vm_busy', 'illegal_state'], cli: 'mount pull',
  }),
  'mount.pulled': operation({
    method: 'POST', path: '/v1/vms/:name/mounts/:tag/pulled', mode: 'plain', summary: 'Record that the guest’s writes were pulled',
    query: z.object({ kept: z.string().optional() }), input: none, output: mountViewSchema,
    errors: ['vm_not_found', 'mount_not_found', 'vm_busy'], cli: null,
  }),
  'image.list': operation({
    method: 'GET', path: '/v1/images', mode: 'plain', summary: 'List the images',
    query: none, input: none, output: z.array(imageViewSchema), errors: [], cli: 'image list',
  }),
  'image.inspect': operation({
    method: 'GET', path: '/v1/images/:name', mode: 'plain', summary: 'Show all of one image',
    query: none, input: none, output: imageViewSchema, errors: ['image_not_found'], cli: 'image inspect',
  }),
  'image.pull': operation({
    method: 'POST', path: '/v1/images/pull', mode: 'progress', summary: 'Make or fetch the default kernel and image',
    query: none,
    input: z.strictObject({
      name: nameSchema.default('debian').describe('`debian`, or `tiny`: an image of busybox alone'),
      source: z.enum(['auto', 'bootstrap']).default('auto').describe('Where from; `bootstrap` makes it from the distribution’s packages'),
      force: z.boolean().default(false).describe('Make it anew although it is there'),
    }),
    output: z.object({ image: imageViewSchema, kernel: kernelSchema }),
    errors: ['image_build_failed', 'kit_build_failed', 'host_program_missing', 'not_supported', 'disk_full', 'storage_failed'], cli: 'image pull',
  }),
  'image.delete': operation({
    method: 'DELETE', path: '/v1/images/:name', mode: 'plain', summary: 'Delete an image',
    query: none, input: none, output: z.object({}), errors: ['image_not_found', 'image_in_use'], cli: 'image delete',
  }),
  'host.config': operation({
    method: 'GET', path: '/v1/host/config', mode: 'plain', summary: 'The settings the daemon runs with',
    query: none, input: none, output: hostConfigSchema, errors: [], cli: null,
  }),
  'host.doctor': operation({
    method: 'GET', path: '/v1/host/doctor', mode: 'plain', summary: 'Check what this host can do and what is missing',
    query: z.object({ canary: flag.default(true) }), input: none, output: z.array(doctorCheckSchema), errors: [], cli: 'doctor',
  }),
  'host.autostart': operation({
    method: 'POST', path: '/v1/host/autostart', mode: 'progress', summary: 'Start every VM that is to start with the host',
    query: none, input: none, output: z.array(z.object({ name: nameSchema, error: z.string().optional() })), errors: [], cli: 'autostart',
  }),
  'event.list': operation({
    method: 'GET', path: '/v1/events', mode: 'plain', summary: 'What happened, oldest first',
    query: z.object({ after: z.coerce.number().int().min(0).default(0), subject: z.string().optional(), limit: z.coerce.number().int().min(1).max(10_000).default(1000) }),
    input: none, output: z.array(eventSchema), errors: [], cli: 'events',
  }),
  'operation.cancel': operation({
    method: 'POST', path: '/v1/operations/:id/cancel', mode: 'plain', summary: 'Cancel long work; what it had begun is undone',
    query: none, input: none, output: z.object({}), errors: ['operation_not_found'], cli: null,
  }),
  'daemon.status': operation({
    method: 'GET', path: '/v1/daemon', mode: 'plain', summary: 'Show the daemon',
    query: none, input: none, output: daemonStatusSchema, errors: [], cli: 'daemon status',
  }),
  'daemon.stop': operation({
    method: 'POST', path: '/v1/daemon/stop', mode: 'plain', summary: 'Stop the daemon; VMs keep running',
    query: none, input: none, output: z.object({}), errors: [], cli: 'daemon stop',
  }),
} as const;

export type OperationId = keyof typeof operations;
export type Params<Id extends OperationId> = PathParams<(typeof operations)[Id]['path']>;
type PathParams<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? { readonly [K in Name]: string }
    : object;
/** What a caller sends, defaults not yet applied. */
export type Query<Id extends OperationId> = z.input<(typeof operations)[Id]['query']>;
export type Input<Id extends OperationId> = z.input<(typeof operations)[Id]['input']>;
/** What a handler receives, defaults applied. */
export type ParsedQuery<Id extends OperationId> = z.output<(typeof operations)[Id]['query']>;
export type ParsedInput<Id extends OperationId> = z.output<(typeof operations)[Id]['input']>;
export type Output<Id extends OperationId> = z.output<(typeof operations)[Id]['output']>;
