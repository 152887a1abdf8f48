import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { joinGroupHint, startDaemonHint } from './rights-hint.ts';

describe('what to do where no daemon runs and only root may start one', () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vmm-hint-'));
    file = join(folder, 'group');
    writeFileSync(file, 'root:x:0:\nvmm:x:990:alice\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is to start it, for members of the group', () => {
    assert.match(startDaemonHint(file, [1000, 990]), /sudo vmm daemon start/);
  });
  it('is to join the group, for all others', () => {
    assert.equal(startDaemonHint(file, [1000]), joinGroupHint);
    assert.equal(startDaemonHint(join(folder, 'missing'), [990]), joinGroupHint);
  });
});
