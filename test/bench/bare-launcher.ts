import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../support/exec.ts';
import type { TestHost } from '../support/test-host.ts';
import { BareHost } from './bare-host.ts';
import type { Launcher } from './launcher.ts';

/** What a launch of vmm consisted of, to be repeated by hand. */
interface Captured {
  readonly argv: readonly string[];
  readonly address: string;
  readonly tap: string;
  /** Directory with the disk as it was before the first boot, and the seed. */
  readonly files: string;
}

/**
 * The same program, kernel, initramfs, drives and options as vmm uses, launched by a shell script: the argument list is
 * read from the process of a VM, and only paths are changed in it.
 */
export async function bareLauncher(
  host: TestHost,
  image: string,
  keyPath: string,
): Promise<Launcher & AsyncDisposable> {
  const captured = await capture(host, image, keyPath);
  const runDir = join(host.scratch, 'bare', image);
  const bare = await BareHost.open(`vt-bare-${image}`, captured.tap, '172.16.0.1/16', runDir);
  const argv = captured.argv.map((argument) => argument.replaceAll(captured.files, runDir));
  return {
    name: `the same by a bare script (${image})`,
    prepare: async () => {
      await bare.prepare();
      await exec('cp', ['--sparse=always', '--reflink=auto', '-r', `${captured.files}/.`, runDir]);
    },
    launch: () => bare.launch(captured.address, keyPath.replace(/\.pub$/, ''), argv),
    clear: () => bare.clear(),
    [Symbol.asyncDispose]: () => bare[Symbol.asyncDispose](),
  };
}

async function capture(host: TestHost, image: string, keyPath: string): Promise<Captured> {
  const vm = `captured-${image}`;
  const kept = join(host.scratch, 'captured', image);
  await host.vmm(['create', vm, '--image', image, '--memory', '512', '--ssh-key', keyPath]);
  const id = (await readdir(host.files.vms)).at(0);
  if (id === undefined) throw new Error(`${vm} has no directory`);
  await exec('mkdir', ['-p', kept]);
  await exec('cp', ['--sparse=always', '--reflink=auto', host.files.vmDisk(id), kept]);
  await host.vmm(['start', vm]);
  const { stdout: pid } = await host.run('pgrep', ['-f', `^qemu-system.*${id}|qemu-system.*guest=${vm}`]);
  const argv = (await readFile(`/proc/${Number(pid)}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  const inspected = JSON.stringify(await host.json(['inspect', vm]));
  await cp(host.files.vmSeed(id), join(kept, 'seed.tar'));
  await host.vmm(['delete', '--force', vm]);
  const [program = '', ...rest] = argv;
  return {
    argv: [program, ...rest.map((argument) => moved(argument, host.files.vmDir(id), kept, host.files.consoleLog(vm)))],
    address: wanted(/"ip":"([0-9.]+)"/, inspected),
    tap: wanted(/ifname=([^,]+)/, argv.join(' ')),
    files: kept,
  };
}

/** The VM's own files lie in its run directory instead; the console's log too. */
function moved(argument: string, vmDir: string, kept: string, log: string): string {
  return argument.replaceAll(vmDir, kept).replaceAll(log, join(kept, 'console.log'));
}

function wanted(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in ${text}`);
  return found;
}
