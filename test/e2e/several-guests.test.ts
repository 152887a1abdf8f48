/** Small guests side by side: addresses, forwards, one process each. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestHost, world } from '../support/test-host.ts';

/** Prints the first line that a TCP server says. */
const greeting = (address: string, port: number) =>
  `exec 3<>/dev/tcp/${address}/${port} && IFS= read -r -t 20 line <&3 && echo "$line"`;

describe('several guests', () => {
  let host: TestHost;
  before(async () => {
    host = await TestHost.open({ images: ['tiny'] });
  });
  after(() => host?.[Symbol.asyncDispose]());
  const guest = async (vm: string, line: string) => (await host.vmm(['ssh', vm, '--', line])).stdout.trim();

  it('run --rm prints what the command prints, ends with its code and leaves no VM', async () => {
    const { stdout, exitCode } = await host.vmm(['run', '--rm', 'tiny', '--', 'sh', '-c', 'echo hi; exit 7'], {
      okCodes: [7],
    });
    assert.equal(stdout, 'hi\n');
    assert.equal(exitCode, 7);
    assert.deepEqual(await host.json(['list']), []);
  });

  it('two VMs are started by one command and reach each other', async () => {
    for (const name of ['one', 'two']) await host.vmm(['create', name, '--image', 'tiny', '--memory', '128']);
    await host.vmm(['start', 'one', 'two']);
    const list = (await host.vmm(['list'])).stdout;
    const addresses = [...list.matchAll(/172\.16\.0\.\d+/g)].map(String);
    assert.equal(new Set(addresses).size, 2);
    const two = /two .*?(172\.16\.0\.\d+)/.exec(list)?.[1] ?? '';
    await guest('one', `ping -c 1 -W 5 ${two}`);
  });

  it('each VM is one VMM process and nothing else', async () => {
    const processes = (await host.leftovers()).filter((line) => line.startsWith('process'));
    assert.equal(processes.filter((line) => line.includes('qemu-system')).length, 2, processes.join('\n'));
    assert.equal(processes.filter((line) => line.includes('virtiofsd')).length, 0);
    assert.equal(processes.length, 3, processes.join('\n'));
  });

  it('cp copies in and out, exec runs with arguments as they are', async () => {
    const [file, back] = [join(host.scratch, 'file'), join(host.scratch, 'back')];
    await writeFile(file, 'there and back\n');
    await host.vmm(['cp', file, 'one:/root/file']);
    await host.vmm(['cp', 'one:/root/file', back]);
    const { stdout } = await host.run('cat', [back]);
    assert.equal(stdout, 'there and back\n');
    assert.equal((await host.vmm(['exec', 'one', '--', 'echo', 'a  b', '$HOME'])).stdout, 'a  b $HOME\n');
  });

  it('a port of another VM or of a program on the host is refused', async () => {
    await host.vmm(['port-forward', 'one', '2201:22']);
    await host.vmmFails(['port-forward', 'two', '2201:22'], 'port_in_use');
    await host.startGreeter('host', 2202, 'mine');
    await host.vmmFails(['port-forward', 'two', '2202:22'], 'port_in_use');
  });

  it('a forward answers from outside, from the host, and from another VM; after its removal from nowhere', async () => {
    const line = greeting(world.host, 2201);
    assert.match((await host.outside('bash', ['-c', line])).stdout, /^SSH-2\.0/);
    assert.match((await host.run('bash', ['-c', greeting('127.0.0.1', 2201)])).stdout, /^SSH-2\.0/);
    assert.match((await host.run('bash', ['-c', greeting('::1', 2201)])).stdout, /^SSH-2\.0/);
    assert.match(await guest('two', `nc -w 5 172.16.0.1 2201 </dev/null | head -n 1`), /^SSH-2\.0/);
    await host.vmm(['port-forward', 'remove', 'one', '2201']);
    await assert.rejects(host.outside('bash', ['-c', line]));
    await assert.rejects(host.run('bash', ['-c', greeting('127.0.0.1', 2201)]));
  });

  it('eight VMs are started at once, each with its own address', async () => {
    await host.vmm(['delete', '--force', 'one', 'two']);
    const names = Array.from({ length: 8 }, (_, index) => `g${index}`);
    for (const name of names) await host.vmm(['create', name, '--image', 'tiny', '--memory', '128']);
    await host.vmm(['start', '--all']);
    const list = (await host.vmm(['list'])).stdout;
    assert.equal(new Set([...list.matchAll(/running +(172\.16\.0\.\d+)/g)].map((match) => match[1])).size, 8, list);
    await host.vmm(['stop', '--all']);
    await host.vmm(['delete', '--all', '--yes']);
  });

  it('an empty host afterwards', async () => {
    await host.assertEmpty();
  });
});
