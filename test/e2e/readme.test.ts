/** A person's first day, in the order of the README: one debian guest with every option of `create`. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exec } from '../support/exec.ts';
import { TestHost, world } from '../support/test-host.ts';

describe('a debian guest with every option of create', () => {
  let host: TestHost;
  let code: string;
  let output: string;
  /** Runs a command line in the guest's shell. */
  const guest = async (line: string) => (await host.vmm(['ssh', 'myvm', '--', line])).stdout.trim();
  /** The first line that a TCP server says. */
  const greeting = (address: string, port: number) => [
    '-c',
    `exec 3<>/dev/tcp/${address}/${port} && IFS= read -r -t 20 line <&3 && echo "$line"`,
  ];

  before(async () => {
    host = await TestHost.open({ images: ['debian'] });
    code = join(host.home, 'code');
    output = join(host.home, 'output');
    await mkdir(join(code, 'deep'), { recursive: true });
    await mkdir(output);
    await writeFile(join(code, 'README.md'), 'hello from the host\n');
    await writeFile(join(code, 'deep', 'tool.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
  });
  after(() => host?.[Symbol.asyncDispose]());

  it('config init makes the directories and the configuration file', async () => {
    await host.vmm(['config', 'init']);
    const config: unknown = JSON.parse(await readFile(join(host.home, '.config/vmm/config.json'), 'utf8'));
    assert.equal(typeof config, 'object');
    assert.match((await host.vmm(['config', 'show'])).stdout, /subnet/);
  });

  it('image pull has nothing to do when the image is there', async () => {
    const { durationMs } = await host.vmm(['image', 'pull']);
    assert.ok(durationMs < 15_000, `${durationMs} ms`);
    assert.match((await host.vmm(['image', 'list'])).stdout, /debian/);
  });

  it('create makes a VM that does not run and has no address yet', async () => {
    const dns = await host.startDns();
    await host.vmm([
      ...['create', 'myvm', '--cpus', '2', '--memory', '1024', '--disk', '4000'],
      ...['--ssh-key', await host.sshKey(), '--dns', dns, '--dns', '192.0.2.53', '--image', 'debian'],
      ...['--mount', `${code}:code:ro`, '--mount', `${output}:output:rw`],
    ]);
    const list = (await host.vmm(['list'])).stdout;
    assert.match(list, /myvm .*stopped/);
    assert.doesNotMatch(list, /172\.16\./);
  });

  it('start gives the first address of the subnet and returns once ssh answers', async () => {
    await host.vmm(['start', 'myvm']);
    assert.match((await host.vmm(['list'])).stdout, /myvm .*running.*172\.16\.0\.2/);
    assert.equal(await guest('hostname'), 'myvm');
  });

  it('the guest has the cpus, the memory and the disk that were asked for', async () => {
    assert.equal(await guest('nproc'), '2');
    const memoryKiB = Number(await guest(`awk '/^MemTotal/ { print $2 }' /proc/meminfo`));
    assert.ok(memoryKiB > 900 * 1024 && memoryKiB <= 1024 * 1024, `${memoryKiB} KiB`);
    const diskMiB = Number(await guest(`df -BM --output=size / | tail -n 1 | tr -dc 0-9`));
    assert.ok(diskMiB > 3500 && diskMiB <= 4000, `${diskMiB} MiB`);
    assert.match(await guest('. /etc/os-release; echo $ID'), /^debian$/);
  });

  it('the exit code of the command in the guest is that of vmm ssh', async () => {
    assert.equal((await host.vmm(['ssh', 'myvm', '--', 'exit 42'], { okCodes: [42] })).exitCode, 42);
  });

  it('plain ssh as root with the key of --ssh-key works too', async () => {
    const { stdout } = await host.run('ssh', [
      ...['-i', join(host.home, '.ssh/id_ed25519'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', 'root@172.16.0.2', 'id -un'],
    ]);
    assert.equal(stdout.trim(), 'root');
  });

  it('ssh -u enters as another user', async () => {
    await guest(
      'useradd -m dev && mkdir -m 700 ~dev/.ssh && cp ~/.ssh/authorized_keys ~dev/.ssh/ && chown -R dev: ~dev/.ssh',
    );
    assert.equal((await host.vmm(['ssh', 'myvm', '-u', 'dev', '--', 'id -un'])).stdout.trim(), 'dev');
  });

  it('mounts stand at /mnt/<tag>, read-only or writable as asked', async () => {
    assert.equal(await guest('cat /mnt/code/README.md'), 'hello from the host');
    assert.equal(await guest('/mnt/code/deep/tool.sh'), 'ran');
    await assert.rejects(guest('touch /mnt/code/new'), /Read-only file system/);
    await guest('echo from the guest > /mnt/output/result && sync');
    await assert.rejects(readFile(join(output, 'result')), /ENOENT/);
  });

  it('mount list shows source, target, mode and device of each', async () => {
    const { stdout } = await host.vmm(['mount', 'list', 'myvm']);
    assert.match(stdout, /Mounts for VM 'myvm':/);
    assert.ok(stdout.includes(`  code: ${code} -> /mnt/code (ro) [/dev/vdb]`), stdout);
    assert.ok(stdout.includes(`  output: ${output} -> /mnt/output (rw) [/dev/vdc]`), stdout);
  });

  it('names resolve in the guest by the DNS servers of --dns', async () => {
    assert.match(await guest('cat /etc/resolv.conf'), /nameserver 198\.51\.100\.2[\s\S]*nameserver 192\.0\.2\.53/);
    assert.match(await guest(`getent ahostsv4 ${world.name}`), /^198\.51\.100\.2 /);
  });

  it('the guest reaches the world outside with the address of the host', async () => {
    await host.startGreeter('outside', 7001, 'hello from outside');
    const { stdout } = await host.vmm(['ssh', 'myvm', '--', `bash -c '${greeting(world.outside, 7001)[1]}'`]);
    assert.equal(stdout.trim(), 'hello from outside');
  });

  it('a forwarded port answers from outside and from the host itself', async () => {
    await host.vmm(['port-forward', 'myvm', '8080:22']);
    assert.match((await host.outside('bash', greeting(world.host, 8080))).stdout, /^SSH-2\.0-/);
    assert.match((await host.run('bash', greeting('127.0.0.1', 8080))).stdout, /^SSH-2\.0-/);
  });

  it('mount sync is refused while the VM runs', async () => {
    await host.vmmFails(['mount', 'sync', 'myvm', 'code'], 'illegal_state');
  });

  it('stop leaves the VM in place', async () => {
    await host.vmm(['stop', 'myvm']);
    assert.match((await host.vmm(['list'])).stdout, /myvm .*stopped/);
    await assert.rejects(host.outside('bash', greeting(world.host, 8080)));
  });

  it('what the guest wrote to a writable mount can be pulled', async () => {
    const target = join(host.scratch, 'pulled');
    await mkdir(target);
    await host.vmm(['mount', 'pull', 'myvm', 'output', target]);
    assert.equal(await readFile(join(target, 'result'), 'utf8'), 'from the guest\n');
  });

  it('after mount sync and start the guest sees what changed on the host', async () => {
    await writeFile(join(code, 'README.md'), 'second edition\n');
    await host.vmm(['mount', 'sync', 'myvm', 'code']);
    await host.vmm(['start', 'myvm']);
    assert.equal(await guest('cat /mnt/code/README.md'), 'second edition');
  });

  it('address, files and forwards are those of before the stop', async () => {
    assert.match((await host.vmm(['list'])).stdout, /myvm .*running.*172\.16\.0\.2/);
    assert.equal(await guest('id -un dev'), 'dev');
    assert.match((await host.outside('bash', greeting(world.host, 8080))).stdout, /^SSH-2\.0-/);
  });

  it('the console log stands where the README says', async () => {
    assert.match(await readFile(join(host.dataDir, 'logs', 'myvm.log'), 'latin1'), /vmm: starting/);
    assert.match((await host.vmm(['logs', 'myvm'])).stdout, /vmm: starting/);
  });

  it('delete leaves an empty host', async () => {
    await host.vmm(['delete', '--force', 'myvm']);
    assert.doesNotMatch((await host.vmm(['list'])).stdout, /myvm/);
    await host.assertEmpty();
    const big = await exec('find', [host.files.root, '-name', '*.img', '-o', '-name', '*.tar']);
    assert.equal(big.stdout, '');
  });
});
