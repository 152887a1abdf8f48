import { readFile } from 'node:fs/promises';
import { initBeginMark } from '../../src/domain/guest-protocol.ts';
import { TestHost } from '../support/test-host.ts';
import { hostFacts } from './host-facts.ts';
import type { Report } from './stats.ts';

const vm = 'again';
const deadlineMs = 60_000;

/** Launches in a row, each counted by what the guest itself wrote to its console. */
export async function benchReliability(launches: number, progress: (line: string) => void): Promise<Report> {
  await using host = await TestHost.open({ images: ['tiny'] });
  await host.vmm(['create', vm, '--image', 'tiny']);
  const times: number[] = [];
  let failed = 0;
  for (let launch = 1; launch <= launches; launch++) {
    const before = (await consoleLog(host)).length;
    const begun = performance.now();
    try {
      await host.vmm(['start', vm, '--no-wait']);
      await host.until(async () => (await consoleLog(host)).includes(initBeginMark, before), deadlineMs);
      times.push(performance.now() - begun);
    } catch (error) {
      failed++;
      progress(`launch ${launch} did not reach its init: ${error instanceof Error ? error.message : error}`);
      progress((await consoleLog(host)).slice(before).slice(-1500));
    }
    await host.vmm(['stop', vm, '--force'], { okCodes: [0, 4] });
    if (launch % 10 === 0) progress(`${launch} launches, ${failed} failed`);
  }
  await host.vmm(['delete', '--force', vm]);
  await host.assertEmpty();
  return {
    bench: 'reliability',
    host: hostFacts(),
    series: [{ name: 'start to the guest’s init', unit: 'ms', values: times }],
    verdicts: [{ name: `launches of ${launches} that did not reach their init`, value: failed, limit: 0 }],
  };
}

/** Rotation may take the log away between two looks. */
async function consoleLog(host: TestHost): Promise<string> {
  return await readFile(host.files.consoleLog(vm), 'latin1').catch(() => '');
}
