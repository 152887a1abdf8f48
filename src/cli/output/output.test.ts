import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { errorCatalogue, VmmError } from '../../contract/errors.ts';
import type { Vm } from '../../contract/resources/vm.ts';
import { formatBytes, formatDuration, formatMiB, printable } from './format.ts';
import { mountText } from './mount-text.ts';
import { errorText, exitCodeOf, printError } from './print-error.ts';
import { progressText } from './progress-text.ts';
import { formatTable } from './table.ts';
import { vmDetails } from './vm-details.ts';
import { runningText, vmTable } from './vm-text.ts';

const vm: Vm = {
  id: 'a1',
  name: 'web1',
  createdAt: '2026-01-01T00:00:00.000Z',
  spec: {
    image: 'debian',
    kernel: 'default',
    engine: 'auto',
    cpus: 2,
    memoryMiB: 1536,
    diskMiB: 10_240,
    sshKeys: [],
    dns: [],
    mounts: [],
    forwards: [
      { protocol: 'tcp', bind: '0.0.0.0', hostPort: 8080, guestPort: 80 },
      { protocol: 'udp', bind: '127.0.0.1', hostPort: 53, guestPort: 53 },
    ],
    autostart: true,
    labels: {},
  },
  status: { phase: 'running', ready: true, engine: 'qemu', ip: '172.16.0.2', startedAt: '2026-01-01T10:00:00.000Z' },
};

describe('what people read', () => {
  it('lists VMs in aligned columns', () => {
    const stopped: Vm = {
      ...vm,
      name: 'a',
      spec: { ...vm.spec, forwards: [] },
      status: { phase: 'stopped', ready: false },
    };
    const text = vmTable([vm, stopped], new Date('2026-01-01T12:05:00Z'));
    assert.deepEqual(text.split('\n'), [
      'NAME   STATE     IP           CPUS   MEMORY   DISK   IMAGE    ENGINE   UPTIME   PORTS',
      'web1   running   172.16.0.2   2      1.5G     10G    debian   qemu     2h 5m    8080->80, 127.0.0.1:53->53/udp',
      'a      stopped   -            2      1.5G     10G    debian   auto     -        -',
    ]);
  });

  it('marks a VM whose guest its engine holds', () => {
    const held: Vm = { ...vm, status: { ...vm.status, error: 'The guest is paused.' } };
    assert.match(vmTable([held], new Date('2026-01-01T12:05:00Z')), /^web1 +running \(paused\) +172/m);
  });

  it('shows the titles alone when there is nothing to list', () => {
    assert.equal(formatTable(['NAME', 'SIZE'], []), 'NAME   SIZE');
  });

  it('lists mounts in the form of the guide', () => {
    const view = { kind: 'copy' as const, unpulledWrites: false, kept: [] };
    const text = mountText('myvm', [
      { ...view, tag: 'code', source: '/home/user/code', target: '/mnt/code', mode: 'ro', device: '/dev/vdb' },
      { ...view, tag: 'output', source: '/home/user/output', target: '/mnt/output', mode: 'rw', device: '/dev/vdc' },
    ]);
    assert.equal(
      text,
      [
        "Mounts for VM 'myvm':",
        '  code: /home/user/code -> /mnt/code (ro) [/dev/vdb]',
        '  output: /home/user/output -> /mnt/output (rw) [/dev/vdc]',
      ].join('\n'),
    );
  });

  it('says where a VM runs, and that it boots while ssh has not answered', () => {
    assert.equal(runningText(vm), 'web1 is running at 172.16.0.2');
    assert.equal(runningText({ ...vm, status: { phase: 'starting', ready: false } }), 'web1 is starting');
    const stopped = { ...vm.status, phase: 'stopped' as const, ready: false };
    assert.equal(runningText({ ...vm, status: stopped }), 'web1 is stopped');
  });

  it('leaves unknown details out', () => {
    const text = vmDetails(vm);
    assert.match(text, /^Address: {4}172\.16\.0\.2$/m);
    assert.doesNotMatch(text, /undefined|Tap:/);
  });

  for (const [ms, text] of [
    [0, '0s'],
    [59_999, '59s'],
    [185_000, '3m 5s'],
    [7_800_000, '2h 10m'],
    [-5, '0s'],
    [444_600_000, '5d 3h'],
  ] as const) {
    it(`shows ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text));
  }

  it('shows sizes in the unit that reads best', () => {
    assert.deepEqual([512, 2048, 1536, 1_048_576].map(formatMiB), ['512M', '2G', '1.5G', '1T']);
    assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3].map(formatBytes), ['0 B', '1023 B', '1.5 KiB', '5.0 GiB']);
  });

  it('shows the amount of a step where it is known', () => {
    const step = { step: 'fetch', message: 'Fetching' };
    assert.equal(progressText(step), 'Fetching');
    assert.equal(progressText({ ...step, current: 3, unit: 'items' }), 'Fetching  3');
    const bytes = { ...step, current: 1024 ** 2, total: 4 * 1024 ** 2, unit: 'bytes' } as const;
    assert.equal(progressText(bytes), 'Fetching  1.0 MiB of 4.0 MiB (25%)');
  });

  it('keeps a guest from moving the cursor of our terminal', () => {
    assert.equal(printable('a\u001b[2Jb\u0007c\u009b1md\r\n\te'), 'abc1md\n\te');
  });
});

describe('errors', () => {
  const error = new VmmError('guest_timeout', 'web1 did not answer.', {
    hint: 'Look: vmm logs web1',
    detail: 'line 1\nline 2\u001b[31m\n',
  });
  const printed = (options: { json: boolean; debug: boolean }, thrown: unknown = error) => {
    let text = '';
    const stderr = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    });
    const code = printError(thrown, { stderr, ...options });
    return { code, text };
  };

  it('say what happened, the evidence, and what to type next', () => {
    assert.equal(errorText(error), 'Error: web1 did not answer.\n  | line 1\n  | line 2\nHint: Look: vmm logs web1\n');
  });
  it('have a stack with --debug alone', () => {
    assert.doesNotMatch(printed({ json: false, debug: false }).text, /at .*\.ts/);
    assert.match(printed({ json: false, debug: true }).text, /at .*\.ts/);
  });
  it('are one line of JSON with --json', () => {
    const { text } = printed({ json: true, debug: false });
    const { error: shown } = JSON.parse(text) as { error: Record<string, unknown> };
    assert.deepEqual([shown.code, shown.message, shown.retryable], ['guest_timeout', 'web1 did not answer.', true]);
  });
  it('end with the exit code of their kind', () => {
    assert.equal(printed({ json: false, debug: false }).code, 7);
    assert.equal(printed({ json: false, debug: false }, new TypeError('oops')).code, 70);
    const { code } = printed({ json: false, debug: false }, new DOMException('stop', 'AbortError'));
    assert.equal(code, 130);
  });
  it('have an exit code for every code of the catalogue', () => {
    for (const code of Object.keys(errorCatalogue) as (keyof typeof errorCatalogue)[]) {
      assert.ok(exitCodeOf(new VmmError(code, '')) > 0);
    }
  });
});
