import { TestHost } from '../support/test-host.ts';
import { hostFacts } from './host-facts.ts';
import { type Report, ratio } from './stats.ts';

const vms = 100;

/** How quick the command line is: help and list, against node doing nothing at all. */
export async function benchList(rounds: number, progress: (line: string) => void): Promise<Report> {
  await using host = await TestHost.open({ images: ['tiny'] });
  for (let index = 0; index < vms; index++) await host.vmm(['create', `vm-${index}`, '--image', 'tiny']);
  progress(`${vms} VMs made`);
  const [node, help, list] = [[] as number[], [] as number[], [] as number[]];
  for (let round = 0; round < rounds; round++) {
    node.push((await host.run(process.execPath, ['-e', '0'])).durationMs);
    help.push((await host.vmm(['--help'])).durationMs);
    list.push((await host.vmm(['list'])).durationMs);
  }
  await host.vmm(['delete', '--force', '--all']);
  await host.assertEmpty();
  const series = [
    { name: 'node -e 0', unit: 'ms', values: node },
    { name: 'vmm --help', unit: 'ms', values: help },
    { name: `vmm list with ${vms} VMs`, unit: 'ms', values: list },
  ] as const;
  return {
    bench: 'list',
    host: hostFacts(),
    series,
    verdicts: [ratio('--help over node', series[1], series[0], 2), ratio('list over node', series[2], series[0], 3)],
  };
}
