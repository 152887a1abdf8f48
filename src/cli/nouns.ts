import type { Command } from 'commander';
import type { Cli } from './cli.ts';

export type Register = (program: Command, cli: Cli) => void;

/** One word of the command line. Its file is loaded when the word is typed, so that `vmm --help` loads none. */
export interface Noun {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly register: Register }>;
}

const vms = 'Virtual machines:';
const guests = 'Inside a VM:';
const data = 'Network, mounts and images:';
const host = 'This host:';

/** In the order that help shows. Summaries equal those of the operations table; a test holds them together. */
export const nouns: readonly Noun[] = [
  {
    name: 'run',
    group: vms,
    summary: 'Create a VM, start it and run a command in it',
    load: () => import('./commands/run.ts'),
  },
  { name: 'create', group: vms, summary: 'Create a VM', load: () => import('./commands/create.ts') },
  {
    name: 'start',
    group: vms,
    summary: 'Start a VM and wait until ssh answers',
    load: () => import('./commands/start.ts'),
  },
  {
    name: 'stop',
    group: vms,
    summary: 'Stop a VM: ask the guest, then power off',
    load: () => import('./commands/stop.ts'),
  },
  { name: 'restart', group: vms, summary: 'Stop a VM and start it again', load: () => import('./commands/restart.ts') },
  { name: 'delete', group: vms, summary: 'Delete a VM and all its files', load: () => import('./commands/delete.ts') },
  { name: 'list', group: vms, summary: 'List all VMs', load: () => import('./commands/list.ts') },
  { name: 'inspect', group: vms, summary: 'Show all of one VM', load: () => import('./commands/inspect.ts') },
  { name: 'set', group: vms, summary: 'Change the settings of a VM', load: () => import('./commands/set.ts') },
  {
    name: 'wait',
    group: vms,
    summary: 'Wait until a VM is ready or stopped',
    load: () => import('./commands/wait.ts'),
  },
  { name: 'ssh', group: guests, summary: 'Open a shell in a VM with ssh', load: () => import('./commands/ssh.ts') },
  { name: 'exec', group: guests, summary: 'Run a command in a running VM', load: () => import('./commands/exec.ts') },
  {
    name: 'cp',
    group: guests,
    summary: 'Copy files between the host and a VM',
    load: () => import('./commands/cp.ts'),
  },
  {
    name: 'console',
    group: guests,
    summary: 'Attach to the serial console',
    load: () => import('./commands/console.ts'),
  },
  { name: 'logs', group: guests, summary: 'The console log of a VM', load: () => import('./commands/logs.ts') },
  {
    name: 'port-forward',
    group: data,
    summary: 'Forward ports of the host to a VM',
    load: () => import('./commands/port-forward.ts'),
  },
  { name: 'mount', group: data, summary: 'Host directories inside a VM', load: () => import('./commands/mount.ts') },
  { name: 'image', group: data, summary: 'Images that VMs are made from', load: () => import('./commands/image.ts') },
  { name: 'config', group: host, summary: 'Settings of vmm', load: () => import('./commands/config.ts') },
  {
    name: 'doctor',
    group: host,
    summary: 'Check what this host can do and what is missing',
    load: () => import('./commands/doctor.ts'),
  },
  { name: 'events', group: host, summary: 'What happened, oldest first', load: () => import('./commands/events.ts') },
  {
    name: 'autostart',
    group: host,
    summary: 'Start every VM that is to start with the host',
    load: () => import('./commands/autostart.ts'),
  },
  {
    name: 'daemon',
    group: host,
    summary: 'The background process that watches the VMs',
    load: () => import('./commands/daemon.ts'),
  },
  {
    name: 'completion',
    group: host,
    summary: 'Print the completion script for a shell',
    load: () => import('./commands/completion.ts'),
  },
  { name: 'version', group: host, summary: 'Show the version', load: () => import('./commands/version.ts') },
];
