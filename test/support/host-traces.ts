import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What vmm and its tests may leave on a host outside of their own namespaces: interfaces and firewall tables. */
export async function hostTraces(): Promise<Set<string>> {
  const interfaces = (await readdir('/sys/class/net')).filter((name) => /^(vmm|tap|vt|vb)/.test(name));
  // Where nft is missing, nothing can have made a table.
  const tables = await run('nft', ['list', 'tables'], { timeout: 10_000 }).then(
    ({ stdout }) => stdout.split('\n').filter((line) => line.includes('vmm')),
    () => [],
  );
  return new Set([...interfaces.map((name) => `interface ${name}`), ...tables.map((table) => `nft ${table}`)]);
}
