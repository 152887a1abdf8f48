import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ExitEvidence, exitCauseOf } from './exit-cause.ts';

const quiet: ExitEvidence = {
  shutdownReason: undefined,
  asked: undefined,
  watched: true,
  consoleTail: '',
  engineTail: '',
};
const causeOf = (evidence: Partial<ExitEvidence>) => exitCauseOf({ ...quiet, ...evidence }).cause;
const panic = '[    1.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n[    1.1] CPU: 0';

describe('exitCauseOf', () => {
  it('tells the guest own doing from what vmm asked for', () => {
    assert.equal(causeOf({ shutdownReason: 'guest-shutdown' }), 'guest-poweroff');
    assert.equal(causeOf({ shutdownReason: 'guest-shutdown', asked: 'power-down' }), 'stopped');
    assert.equal(causeOf({ shutdownReason: 'guest-reset' }), 'guest-reboot');
    assert.equal(causeOf({ shutdownReason: 'host-qmp-quit', asked: 'kill' }), 'stopped');
    assert.equal(causeOf({ asked: 'kill' }), 'stopped');
  });

  it('knows a panic by the console, since the engine sees a reset alone', () => {
    assert.deepEqual(exitCauseOf({ ...quiet, shutdownReason: 'guest-reset', consoleTail: panic }), {
      cause: 'guest-panic',
      detail: 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100',
    });
  });

  it('names who ended QEMU from outside', () => {
    const engineTail = 'qemu-system-x86_64: terminating on signal 15 from pid 7 (bash)\n';
    assert.deepEqual(exitCauseOf({ ...quiet, shutdownReason: 'host-signal', engineTail }), {
      cause: 'killed',
      detail: 'qemu-system-x86_64: terminating on signal 15 from pid 7 (bash)',
    });
  });

  it('takes an end without a word for a kill, and one with an assertion for a crash', () => {
    assert.equal(causeOf({}), 'killed');
    assert.equal(causeOf({ engineTail: 'warning: x\nqemu: ../x.c:1: f: Assertion `y` failed.' }), 'crashed');
    assert.equal(causeOf({ shutdownReason: 'host-error' }), 'crashed');
  });

  it('reads the console when nobody watched', () => {
    const unwatched = { watched: false };
    assert.equal(causeOf({ ...unwatched, consoleTail: '[ 9.1] reboot: Power down\n' }), 'guest-poweroff');
    assert.equal(causeOf({ ...unwatched, consoleTail: '[ 9.1] reboot: Restarting system\n' }), 'guest-reboot');
    assert.equal(causeOf({ ...unwatched, consoleTail: panic }), 'guest-panic');
    assert.equal(causeOf({ ...unwatched, consoleTail: 'login: ' }), 'unknown');
  });
});
