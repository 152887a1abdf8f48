import { z } from 'zod';

export const eventTypes = [
  'vm.created',
  'vm.changed',
  'vm.starting',
  'vm.running',
  'vm.ready',
  'vm.stopping',
  'vm.stopped',
  'vm.failed',
  'vm.deleted',
  'vm.adopted',
  'mount.synced',
  'mount.kept',
  'mount.pulled',
  'forward.added',
  'forward.removed',
  'image.added',
  'image.deleted',
  'host.changed',
] as const;

export const eventSchema = z.object({
  id: z.int(),
  at: z.iso.datetime(),
  type: z.enum(eventTypes),
  subject: z.string().describe('Name of the VM or image, or `host`'),
  message: z.string(),
});
export type VmmEvent = z.infer<typeof eventSchema>;
export type EventType = (typeof eventTypes)[number];
