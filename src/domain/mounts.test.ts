import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Mount } from '../contract/resources/vm.ts';
import { assertMountsFit, isInside, mountDevices } from './mounts.ts';

const mount = (source: string, tag: string, kind: Mount['kind'] = 'copy'): Mount => ({ source, tag, mode: 'rw', kind });

describe('mounts', () => {
  it('may lie side by side, also with a common beginning of their names', () => {
    assertMountsFit([mount('/srv/web', 'a'), mount('/srv/web2', 'b'), mount('/srv/we', 'c')]);
  });

  it('may not overlap, whichever comes first', () => {
    for (const [one, two] of [
      ['/srv', '/srv/web'],
      ['/srv/web', '/srv'],
      ['/srv', '/srv'],
      ['/', '/srv'],
    ] as const) {
      const mounts = [mount(one, 'a'), mount(two, 'b')];
      assert.throws(() => assertMountsFit(mounts), { code: 'invalid_mount', message: /overlap/ });
    }
  });

  it('have tags of their own', () => {
    const mounts = [mount('/a', 'data'), mount('/b', 'data')];
    assert.throws(() => assertMountsFit(mounts), { code: 'invalid_mount', message: /data is given twice/ });
  });

  it('are /dev/vdb, vdc … in their order; live ones in between take no letter', () => {
    const devices = mountDevices([mount('/a', 'a'), mount('/b', 'b', 'live'), mount('/c', 'c'), mount('/d', 'd')]);
    assert.deepEqual(
      [...devices],
      [
        ['a', 'vdb'],
        ['c', 'vdc'],
        ['d', 'vdd'],
      ],
    );
  });

  it('have a letter each, up to the most that a VM may have', () => {
    const devices = mountDevices(Array.from({ length: 16 }, (_, index) => mount(`/m${index}`, `t${index}`)));
    assert.equal(devices.get('t15'), 'vdq');
  });
});

describe('a path', () => {
  it('is inside a directory that holds it, and inside itself', () => {
    assert.ok(isInside('/srv/a', '/srv') && isInside('/srv', '/srv') && isInside('/srv', '/'));
    assert.ok(!isInside('/srvice', '/srv') && !isInside('/', '/srv'));
  });
});
