import { z } from 'zod';
import { ipv4Schema, macSchema, mountTagSchema, nameSchema, portSchema } from './names.ts';

export const engineNames = ['firecracker', 'cloud-hypervisor', 'qemu'] as const;
export const engineNameSchema = z.enum(engineNames);
export type EngineName = z.infer<typeof engineNameSchema>;
export const engineChoiceSchema = z.enum(['auto', ...engineNames]);

/** `copy`: an ext4 image made at start. `live`: the directory itself, by virtiofs, where the engine has it. */
export const mountSchema = z.strictObject({
  source: z.string().startsWith('/').max(4096).describe('Absolute path of a directory on the host'),
  tag: mountTagSchema,
  mode: z.enum(['ro', 'rw']).default('rw'),
  kind: z.enum(['copy', 'live']).default('copy'),
});
export type Mount = z.infer<typeof mountSchema>;

export const forwardSchema = z.strictObject({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  bind: ipv4Schema.default('0.0.0.0').describe('Host address to listen on; 0.0.0.0 is every one'),
  hostPort: portSchema,
  guestPort: portSchema,
});
export type Forward = z.infer<typeof forwardSchema>;

/** What the user asked for. Changes only by the user's word. */
export const vmSpecSchema = z.strictObject({
  image: nameSchema.default('debian'),
  kernel: nameSchema.default('default'),
  engine: engineChoiceSchema.default('auto'),
  cpus: z.int().min(1).max(256).default(1).describe('Virtual cpus'),
  memoryMiB: z.int().min(64).max(16_777_216).default(512).describe('Memory in MiB'),
  diskMiB: z.int().min(1).max(1_073_741_824).default(1024).describe('Disk in MiB; raised to the image when smaller'),
  sshKeys: z.array(z.string().max(16_384)).max(64).default([]).describe('OpenSSH public keys for root'),
  dns: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(8)
    .default([])
    .describe('DNS servers; empty: 8.8.8.8, 8.8.4.4, 1.1.1.1'),
  mounts: z.array(mountSchema).max(16).default([]),
  forwards: z.array(forwardSchema).max(256).default([]),
  autostart: z.boolean().default(true).describe('Start with the host'),
  ip: ipv4Schema.optional().describe('Fixed address in the subnet'),
  userData: z.string().max(1_048_576).optional().describe('cloud-init user data'),
  /** The command that `run` gave; the tiny init or the image's init runs it and its end is the VM's. */
  labels: z.record(z.string().max(63), z.string().max(256)).default({}),
});
export type VmSpec = z.infer<typeof vmSpecSchema>;

export const vmPhases = ['stopped', 'starting', 'running', 'stopping', 'failed'] as const;
export const vmPhaseSchema = z.enum(vmPhases);
export type VmPhase = z.infer<typeof vmPhaseSchema>;

/** Why a VM is no longer running. `unknown`: it ended while nobody watched. */
export const exitCauseSchema = z.enum([
  'stopped',
  'guest-poweroff',
  'guest-reboot',
  'guest-panic',
  'killed',
  'crashed',
  'unknown',
]);
export type ExitCause = z.infer<typeof exitCauseSchema>;

/** What is observed. Ours to derive. */
export const vmStatusSchema = z.object({
  phase: vmPhaseSchema,
  ready: z.boolean().describe('The guest answered ssh in this run'),
  engine: engineNameSchema.optional(),
  engineReason: z.string().optional().describe('Why this engine and this acceleration'),
  acceleration: z.enum(['kvm', 'tcg']).optional(),
  pid: z.int().optional(),
  ip: ipv4Schema.optional(),
  mac: macSchema.optional(),
  tap: z.string().optional(),
  startedAt: z.iso.datetime().optional(),
  stoppedAt: z.iso.datetime().optional(),
  exitCause: exitCauseSchema.optional(),
  exitDetail: z.string().optional(),
  error: z.string().optional().describe('Why the last start failed, or why a running guest is paused'),
});
export type VmStatus = z.infer<typeof vmStatusSchema>;

export const vmSchema = z.object({
  id: z.string(),
  name: nameSchema,
  createdAt: z.iso.datetime(),
  spec: vmSpecSchema,
  status: vmStatusSchema,
});
export type Vm = z.infer<typeof vmSchema>;

/** One mount as `vmm mount list` shows it. */
export const mountViewSchema = z.object({
  tag: mountTagSchema,
  source: z.string(),
  target: z.string(),
  mode: z.enum(['ro', 'rw']),
  kind: z.enum(['copy', 'live']),
  device: z.string().describe('/dev/vdb … for copies, virtiofs for live mounts'),
  unpulledWrites: z.boolean().describe('The guest wrote since the last sync or pull'),
  kept: z.array(z.string()).describe('Copies kept from before a re-sync, oldest first'),
});
export type MountView = z.infer<typeof mountViewSchema>;

/** What a client needs to speak ssh with the guest; the host key is the one that vmm itself gave it. */
export const sshAccessSchema = z.object({
  host: ipv4Schema,
  port: portSchema,
  user: z.string(),
  privateKey: z.string(),
  knownHosts: z.string().describe('A known_hosts file of one line'),
});
export type SshAccess = z.infer<typeof sshAccessSchema>;
