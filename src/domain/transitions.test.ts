import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type VmPhase, vmPhases } from '../contract/resources/vm.ts';
import { assertMay, may, type Verb } from './transitions.ts';

const table: Record<Verb, readonly VmPhase[]> = {
  start: ['stopped', 'failed'],
  stop: ['starting', 'running', 'stopping'],
  delete: ['stopped', 'failed'],
  connect: ['running'],
  syncMount: ['stopped', 'failed'],
  pullMount: ['stopped', 'failed'],
  removeMount: ['stopped', 'failed'],
  resizeDisk: ['stopped', 'failed'],
};
const verbs = Object.keys(table) as Verb[]; // the keys of the table above

describe('a verb', () => {
  it('is legal in its phases and in no other', () => {
    for (const verb of verbs) {
      const legal = vmPhases.filter((phase) => may(verb, phase));
      assert.deepEqual(legal.toSorted(), table[verb].toSorted(), verb);
    }
  });

  it('that is not legal is refused with the phase and a command that names the VM', () => {
    for (const verb of verbs) {
      for (const phase of vmPhases) {
        const vm = { name: 'web1', status: { phase } };
        if (may(verb, phase)) assertMay(verb, vm);
        else
          assert.throws(() => assertMay(verb, vm), {
            code: 'illegal_state',
            message: phase === 'failed' ? /VM web1 failed to start/ : new RegExp(`VM web1 is ${phase}`),
            hint: /^vmm .*web1/,
          });
      }
    }
  });
});
