import { chmod, copyFile, mkdir } from 'node:fs/promises';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { applyChanges, file, gone, link } from './tree-files.ts';

const folders = [
  'dev',
  'etc',
  'home',
  'mnt',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr/bin',
  'usr/sbin',
  'var/log',
];

/** Makes the tree of an image of busybox alone: it has no init and no sshd, so it starts with the kit's. */
export async function buildTiny(options: {
  readonly runner: CommandRunner;
  readonly busyboxPath: string;
  readonly tree: string;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { runner, busyboxPath, tree, signal } = options;
  for (const folder of ['bin', ...folders]) await mkdir(`${tree}/${folder}`, { recursive: true });
  await chmod(`${tree}/root`, 0o700);
  await chmod(`${tree}/tmp`, 0o1777);
  await copyFile(busyboxPath, `${tree}/bin/busybox`);
  await chmod(`${tree}/bin/busybox`, 0o755);
  const [list, version] = await Promise.all(
    [['--list'], []].map((args) => runner.run({ program: busyboxPath, args, signal })),
  );
  const applets = (list?.stdout ?? '').split('\n').filter((name) => name !== '' && name !== 'busybox');
  await applyChanges(tree, [
    ...applets.map((applet) => link(`/bin/${applet}`, 'busybox')),
    // Its init would start what an inittab says; the kit's starts the VM's program.
    gone('/bin/init'),
    gone('/bin/linuxrc'),
    file('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    file('/etc/group', 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'),
    file('/etc/shadow', 'root:*:::::::\nnobody:*:::::::\n', 0o600),
    file('/etc/shells', '/bin/sh\n/bin/ash\n'),
    file('/etc/profile', 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n'),
  ]);
  return `busybox:${/BusyBox v(\d[\d.]*)/.exec(version?.stdout ?? '')?.[1] ?? 'static'}`;
}
