import { TestHost } from '../support/test-host.ts';
import { bareLauncher } from './bare-launcher.ts';
import { hostFacts } from './host-facts.ts';
import { alternate } from './launcher.ts';
import { naiveLauncher } from './naive-launcher.ts';
import { type Report, ratio, type Series } from './stats.ts';
import { vmmLauncher } from './vmm-launcher.ts';

/** From the first command to the first ssh command in the guest: by vmm, by a bare script, and naively. */
export async function benchBoot(rounds: number, progress: (line: string) => void): Promise<Report> {
  await using host = await TestHost.open({ images: ['debian', 'tiny'] });
  const key = await host.sshKey();
  await using bare = await bareLauncher(host, 'debian', key);
  const acceleration = await accelerationOf(host);
  await using naive = await naiveLauncher(host, acceleration);
  const [debian, tiny] = [vmmLauncher(host, 'debian', key), vmmLauncher(host, 'tiny', key)];
  const launchers = [debian, bare, naive, tiny];
  const times = await alternate(launchers, rounds, (name, ms) => progress(`${(ms / 1000).toFixed(2)} s  ${name}`));
  const series = launchers.map(({ name }): Series => ({ name, unit: 'ms', values: times.get(name) ?? [] }));
  const of = (launcher: { name: string }): Series => {
    const found = series.find(({ name }) => name === launcher.name);
    if (found === undefined) throw new Error(`no times of ${launcher.name}`);
    return found;
  };
  return {
    bench: 'boot',
    host: { ...hostFacts(), acceleration },
    series,
    verdicts: [
      ratio('vmm over the bare script', of(debian), of(bare), 1.1),
      ratio('vmm over the naive launch', of(debian), of(naive), 0.5),
      ratio('tiny image over the default image', of(tiny), of(debian), 0.4),
    ],
  };
}

async function accelerationOf(host: TestHost): Promise<string> {
  const vm = 'which-acceleration';
  await host.vmm(['create', vm, '--image', 'tiny']);
  await host.vmm(['start', vm]);
  const inspected = JSON.stringify(await host.json(['inspect', vm]));
  await host.vmm(['delete', '--force', vm]);
  return inspected.includes('"acceleration":"kvm"') ? 'kvm' : 'tcg';
}
