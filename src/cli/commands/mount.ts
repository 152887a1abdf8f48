import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { VmmError } from '../../contract/errors.ts';
import type { MountView } from '../../contract/resources/vm.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { showOn, tellNotices, withProgress } from '../operate.ts';
import { formatBytes, printable } from '../output/format.ts';
import { mountLine, mountText } from '../output/mount-text.ts';
import { parseMount } from '../parse/mount.ts';

export function register(program: Command, cli: Cli): void {
  const mount = program.command('mount').description('Host directories inside a VM');

  leaf(mount, 'list', 'List the mounts of a VM', ['vmm mount list web1'])
    .argument('<vm>', 'name of the VM')
    .action(async (name: string) => {
      const mounts = await readMounts(cli, name);
      print(cli, mounts, mountText(name, mounts));
      if (cli.options.json === true) return;
      for (const { tag, unpulledWrites, kept } of mounts) {
        if (unpulledWrites)
          cli.stderr.write(
            `Note: ${tag} holds writes of the guest; once it is stopped, fetch them: vmm mount pull ${name} ${tag}\n`,
          );
        if (kept.length > 0)
          cli.stderr.write(`Note: ${tag} has kept copies, see --kept of vmm mount pull: ${kept.join(', ')}\n`);
      }
    });

  leaf(mount, 'add', 'Add a mount, from the next start on', ['vmm mount add web1 /home/me/code:code:ro'])
    .argument('<vm>', 'name of the VM')
    .argument('<path:tag[:ro|rw]>', 'directory of the host, tag, and mode')
    .action(async (name: string, text: string) => {
      const input = parseMount(text);
      const client = await cli.client();
      const added = await client.call('mount.add', { params: { name }, input }, { signal: cli.signal });
      print(cli, added, mountLine(added).trim());
    });

  leaf(mount, 'remove', 'Remove a mount', ['vmm mount remove web1 code'])
    .argument('<vm>', 'name of the VM')
    .argument('<tag>', 'tag of the mount')
    .option('-f, --force', 'also when it holds writes that were never pulled')
    .action(async (name: string, tag: string, options: CommonOptions & { readonly force?: boolean }) => {
      const client = await cli.client();
      const query = { force: options.force === true };
      await client.call('mount.remove', { params: { name, tag }, query }, { signal: cli.signal });
      print(cli, { name, tag }, `${tag} is removed from ${name}`);
    });

  leaf(mount, 'sync', 'Make a mount image anew from the host directory', ['vmm mount sync web1 code'])
    .argument('<vm>', 'name of the VM')
    .argument('<tag>', 'tag of the mount')
    .action(async (name: string, tag: string) => {
      const client = await cli.client();
      const result = await withProgress(cli, async (view) => {
        const waiting = { signal: cli.signal, ...showOn(view, name) };
        const synced = await client.progress('mount.sync', { params: { name, tag } }, waiting);
        tellNotices(cli, view, synced.notices);
        return synced;
      });
      print(cli, result, `${tag} of ${name} is made anew from ${result.mount.source}`);
    });

  leaf(mount, 'pull', 'Bring what the guest wrote to a mount back to the host', [
    'vmm mount pull web1 code',
    'vmm mount pull web1 code ./code-of-web1',
  ])
    .argument('<vm>', 'name of the VM')
    .argument('<tag>', 'tag of the mount')
    .argument('[directory]', 'where to; none: the directory the mount was made from')
    .option('--kept <copy>', 'a copy kept from before a sync, as `vmm mount list` names it')
    .addHelpText('after', '\nFiles of the same name are replaced; what the guest deleted stays.')
    .action(async (name: string, tag: string, directory: string | undefined, options: { readonly kept?: string }) => {
      await pull(cli, name, tag, directory, options.kept);
    });
}

async function readMounts(cli: Cli, name: string): Promise<MountView[]> {
  const client = await cli.client();
  return await client.call('mount.list', { params: { name } }, { signal: cli.signal });
}

async function pull(cli: Cli, name: string, tag: string, directory: string | undefined, kept: string | undefined) {
  const { extract } = await import('../copy/extract.ts');
  const { asDirectoryOwner } = await import('../copy/as-directory-owner.ts');
  const client = await cli.client();
  const root = resolve(directory ?? (await sourceOf(cli, name, tag)));
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new VmmError('invalid_input', `There is no directory ${root}.`, { hint: `Make it: mkdir -p ${root}` });
  }
  const query = kept === undefined ? {} : { kept };
  const given = { params: { name, tag }, query };
  const result = await withProgress(cli, async (view) => {
    view.update(name, { step: 'read', message: `Reading ${tag}` });
    const tar = await client.bytes('mount.pull', given, { signal: cli.signal });
    const extracted = await asDirectoryOwner(root, async () =>
      extract(tar, {
        root,
        place: (parts) => parts,
        ignore: ([first]) => first === 'lost+found',
        signal: cli.signal,
        onBytes: (current) => view.update(name, { step: 'pull', message: `Pulling ${tag}`, current, unit: 'bytes' }),
      }),
    );
    await client.call('mount.pulled', given, { signal: cli.signal });
    for (const text of extracted.skipped) view.notice(text);
    return extracted;
  });
  const { files, bytes, skipped } = result;
  print(
    cli,
    { name, tag, directory: root, files, bytes, skipped },
    `${tag} of ${name} is pulled to ${printable(root)} (${files} files, ${formatBytes(bytes)})`,
  );
}

async function sourceOf(cli: Cli, name: string, tag: string): Promise<string> {
  const mounts = await readMounts(cli, name);
  const found = mounts.find((mount) => mount.tag === tag);
  if (found !== undefined) return found.source;
  throw new VmmError('mount_not_found', `${name} has no mount ${tag}.`, { hint: `List them: vmm mount list ${name}` });
}
