import { z } from 'zod';
import { vmSchema } from './vm.ts';

export const daemonStatusSchema = z.object({
  pid: z.int(),
  version: z.string(),
  startedAt: z.iso.datetime(),
  dataDir: z.string(),
  socket: z.string(),
  vms: z.int(),
  running: z.int(),
  clients: z.int(),
  kept: z.boolean().describe('Kept by systemd or `vmm serve`; else it goes when idle'),
});
export type DaemonStatus = z.infer<typeof daemonStatusSchema>;

/** The published status file: what anybody may read without asking the daemon. */
export const publishedStatusSchema = z.object({
  version: z.string(),
  bootId: z.string(),
  writtenAt: z.iso.datetime(),
  daemon: z.object({ pid: z.int(), socket: z.string() }).nullable().describe('null: the daemon ended in order'),
  vms: z.array(vmSchema).describe('As `vm.list` gives them, without user data'),
});
export type PublishedStatus = z.infer<typeof publishedStatusSchema>;

/** One check of `vmm doctor`. */
export const doctorCheckSchema = z.object({
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  summary: z.string(),
  hint: z.string().optional(),
});
export type DoctorCheck = z.infer<typeof doctorCheckSchema>;

/** The host's settings, as the daemon uses them. */
export const hostConfigSchema = z.object({
  data_dir: z.string().startsWith('/'),
  bridge_name: z.string().regex(/^[a-zA-Z0-9_-]{1,15}$/),
  subnet: z.cidrv4(),
  host_interface: z.string().describe('Interface of the default route; empty: found at run time'),
  engine: z.enum(['auto', 'firecracker', 'cloud-hypervisor', 'qemu']),
});
export type HostConfig = z.infer<typeof hostConfigSchema>;
