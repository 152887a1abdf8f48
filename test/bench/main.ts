/** npm run bench -- boot|create|list|reliability [--rounds N] [--json FILE]. Needs root. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchBoot } from './boot.ts';
import { benchCreate } from './create.ts';
import { benchList } from './list.ts';
import { benchReliability } from './reliability.ts';
import { type Report, table } from './stats.ts';

type Bench = (rounds: number, progress: (line: string) => void) => Promise<Report>;

const benches: Readonly<Record<string, { readonly run: Bench; readonly rounds: number }>> = {
  boot: { run: benchBoot, rounds: 5 },
  create: { run: benchCreate, rounds: 10 },
  list: { run: benchList, rounds: 21 },
  reliability: { run: benchReliability, rounds: 100 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, json: { type: 'string' } },
});
const bench = benches[positionals[0] ?? ''];
const rounds = values.rounds === undefined ? bench?.rounds : Number(values.rounds);
if (bench === undefined || rounds === undefined || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--rounds N] [--json FILE]`);
  process.exit(2);
}
if (process.geteuid?.() !== 0) {
  console.error('error: the benches need root\nhint: sudo npm run bench -- …');
  process.exit(5);
}
// Processes, mounts and network namespaces of a bench end with it, also when it is interrupted.
if (process.env.VMM_BENCH_SANDBOX === undefined) {
  const sandbox = join(import.meta.dirname, '../support/sandbox.sh');
  const args = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', sandbox, '/dev/null'];
  const { status } = spawnSync('unshare', [...args, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, VMM_BENCH_SANDBOX: '1' },
  });
  process.exit(status ?? 1);
}
const report = await bench.run(rounds, (line) => console.error(line));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
console.log(table(report));
process.exitCode = report.verdicts.every(({ value, limit }) => value <= limit) ? 0 : 1;
