import { type Command, Option } from 'commander';
import type { ImageView } from '../../contract/resources/image.ts';
import { type Cli, print } from '../cli.ts';
import { type CommonOptions, leaf } from '../leaf.ts';
import { forEachName, showOn, withProgress } from '../operate.ts';
import { formatBytes, formatDuration, printable } from '../output/format.ts';
import { formatTable } from '../output/table.ts';

interface PullOptions extends CommonOptions {
  readonly source: 'auto' | 'bootstrap';
  readonly force?: boolean;
}

export function register(program: Command, cli: Cli): void {
  const image = program.command('image').description('Images that VMs are made from');

  leaf(image, 'list', 'List the images', ['vmm image list']).action(async () => {
    const client = await cli.client();
    const images = await client.call('image.list', {}, { signal: cli.signal });
    print(cli, images, imageTable(images));
  });

  leaf(image, 'pull', 'Make or fetch the default kernel and image', ['vmm image pull', 'vmm image pull tiny'])
    .argument('[image]', '`debian`, or `tiny`: an image of busybox alone', 'debian')
    .addOption(
      new Option('--source <source>', 'where from; bootstrap makes it from the distribution’s packages')
        .choices(['auto', 'bootstrap'])
        .default('auto'),
    )
    .option('--force', 'make it anew although it is there')
    .action(async (name: string, options: PullOptions) => {
      const client = await cli.client();
      const input = { name, source: options.source, force: options.force === true };
      const pulled = await withProgress(
        cli,
        async (view) => await client.progress('image.pull', { input }, { signal: cli.signal, ...showOn(view, name) }),
      );
      const { image: made, kernel } = pulled;
      print(cli, pulled, `${made.name} is ready: ${formatBytes(made.diskBytes)}, kernel ${kernel.version}`);
    });

  leaf(image, 'delete', 'Delete an image', ['vmm image delete tiny'])
    .argument('<image...>', 'names of images')
    .action(async (names: string[]) => {
      const client = await cli.client();
      const results = await forEachName(cli, names, async (name) => {
        await client.call('image.delete', { params: { name } }, { signal: cli.signal });
        return { text: `${name} is deleted`, json: {} };
      });
      if (cli.options.json === true) print(cli, results, '');
    });

  leaf(image, 'inspect', 'Show all of one image', ['vmm image inspect debian'])
    .argument('<image>', 'name of the image')
    .action(async (name: string) => {
      const client = await cli.client();
      const found = await client.call('image.inspect', { params: { name } }, { signal: cli.signal });
      print(cli, found, imageDetails(found));
    });
}

function imageTable(images: readonly ImageView[]): string {
  const rows = images.map((image) => [
    image.name,
    formatBytes(image.sizeBytes),
    formatBytes(image.diskBytes),
    `${formatDuration(Date.now() - Date.parse(image.createdAt))} ago`,
    image.source,
    image.usedBy.join(', ') || '-',
  ]);
  return formatTable(['NAME', 'SIZE', 'ON DISK', 'CREATED', 'SOURCE', 'USED BY'], rows);
}

function imageDetails({ config, ...image }: ImageView): string {
  const lines: readonly (readonly [string, string])[] = [
    ['Name', image.name],
    ['Digest', image.digest],
    ['Created', image.createdAt],
    ['Source', image.source],
    ['Size', `${formatBytes(image.sizeBytes)}, ${formatBytes(image.diskBytes)} on disk`],
    ['Init', config.init ?? 'the one of vmm'],
    ['Entrypoint', config.entrypoint.join(' ')],
    ['Command', config.cmd.join(' ')],
    ['User', config.user],
    ['Directory', config.workdir],
    ['Used by', image.usedBy.join(', ')],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([title, value]) => `${`${title}:`.padEnd(12)}${printable(value)}`)
    .join('\n');
}
