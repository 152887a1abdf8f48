import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootEngine, testEngine, verbs } from '../../test/support/test-engine.ts';
import { VmmError } from '../contract/errors.ts';
import { quiet } from '../fakes/fake-clock.ts';
import type { FakeWorld } from '../fakes/fake-world.ts';
import { DaemonKilled } from '../fakes/stage.ts';
import type { Context } from './context.ts';
import { reconcile } from './host/reconcile.ts';

type Engine = Awaited<ReturnType<typeof testEngine>>;
const { signal } = new AbortController();

/** More than any of the verbs needs; a verb that needs more would end its matrix early, which is checked. */
const callsAtMost = 400;

/**
 * `kill -9` of the daemon at every call that a verb makes, before and after its effect; each time a new daemon must find
 * or make a state in which the VM is either as before or as wanted, nothing is left on the host, and the same name works.
 */
async function matrix(
  prepare: (engine: Engine) => Promise<unknown>,
  verb: (engine: Engine, context: Context) => Promise<unknown>,
  check: (next: ReturnType<typeof verbs> & { readonly world: FakeWorld }, at: string) => Promise<void>,
  { restarted = false } = {},
): Promise<number> {
  let deaths = 0;
  for (const when of ['before', 'after'] as const) {
    for (let call = 1; call <= callsAtMost; call++) {
      const engine = await testEngine();
      const { world } = engine;
      await prepare(engine);
      await quiet();
      const victim = restarted ? bootEngine(world) : engine.context;
      const calls = world.script.calls.length;
      world.script.killDaemonAt(call, when);
      const died = victim.died.then(() => 'died' as const);
      const ended = verb(engine, victim).then(
        () => 'ended' as const,
        (thrown: unknown) => {
          if (thrown instanceof DaemonKilled) return died;
          throw thrown;
        },
      );
      const outcome = await Promise.race([ended, died]);
      world.script.dontKill();
      if (outcome === 'ended') {
        assert.ok(call > 1);
        break;
      }
      deaths++;
      await quiet();
      const context = bootEngine(world);
      await reconcile(context, signal);
      await quiet();
      await check({ ...verbs(context), world }, `${when} call ${call}: ${world.script.calls[calls + call - 1]}`);
      assert.deepEqual(world.leftovers(), [], `in the end, ${when} call ${call}`);
    }
  }
  return deaths;
}

/** Whatever there is of web1 works, or there is nothing of it and it can be made. */
async function assertWorks({ world, ...vmm }: ReturnType<typeof verbs> & { readonly world: FakeWorld }, at: string) {
  assert.deepEqual(world.leftovers(), [], at);
  if (![...world.database.vms.values()].some(({ vm }) => vm.name === 'web1')) await vmm.create('web1');
  const { phase } = vmm.inspect('web1').status;
  assert.ok(phase !== 'starting' && phase !== 'stopping', `${at}: ${phase}`);
  assert.equal(world.hypervisor.machines().length, phase === 'running' ? 1 : 0, at);
  assert.equal((await vmm.start('web1')).vm.status.ready, true, at);
  assert.deepEqual(world.leftovers(), [], at);
  await vmm.stop('web1');
  assert.equal(world.network.bridge, false, at);
  await vmm.remove('web1');
}

describe('a daemon killed at any instant', () => {
  it('of a create and start is followed by one that finishes or undoes', async () => {
    const deaths = await matrix(
      async () => undefined,
      async ({ create, start }) => {
        await create('web1');
        await start('web1');
      },
      assertWorks,
    );
    assert.ok(deaths > 60, String(deaths));
  });

  it('of a stop is followed by one that finishes or undoes', async () => {
    const deaths = await matrix(
      async ({ create, start }) => {
        await create('web1');
        await start('web1');
      },
      ({ stop }) => stop('web1'),
      assertWorks,
    );
    assert.ok(deaths > 20, String(deaths));
  });

  it('of a delete is followed by one that finishes or leaves all as it was', async () => {
    const deaths = await matrix(
      async ({ create, start }) => {
        await create('web1');
        await start('web1');
      },
      ({ remove }) => remove('web1', { force: true }),
      assertWorks,
    );
    assert.ok(deaths > 30, String(deaths));
  });

  it('of the undoing of a start that failed is followed by one that undoes it', async () => {
    const deaths = await matrix(
      async ({ create, world }) => {
        await create('web1');
        world.hypervisor.failAfterStart = new VmmError('engine_failed', 'QEMU refused.');
      },
      ({ start }) => assert.rejects(start('web1'), isFailure),
      async (next, at) => {
        next.world.hypervisor.failAfterStart = undefined;
        await assertWorks(next, at);
      },
    );
    assert.ok(deaths > 60, String(deaths));
  });

  it('of cleaning up after another death is followed by one that finishes it', async () => {
    const deaths = await matrix(
      async ({ create, start, context, world }) => {
        await create('web1');
        await create('web2');
        await start('web2');
        await create('web3');
        await start('web3');
        world.script.hang('channel.awaitSsh');
        world.script.killDaemonAt(1 + (await callsUntilLaunch()), 'after');
        void start('web1').catch(() => undefined);
        await context.died;
        world.hypervisor.machine('web2').end('crashed');
      },
      (_, context) => reconcile(context, signal),
      async (next, at) => {
        assert.equal(next.inspect('web2').status.phase, 'stopped', at);
        assert.equal(next.inspect('web3').status.phase, 'running', at);
        await next.remove('web2');
        await next.remove('web3', { force: true });
        await assertWorks(next, at);
      },
      { restarted: true },
    );
    assert.ok(deaths > 30, String(deaths));
  });
});

/** How many calls a start makes before its VMM is launched. */
async function callsUntilLaunch(): Promise<number> {
  const { world, create, start } = await testEngine();
  await create('other');
  await start('other');
  await create('web1');
  const before = world.script.calls.length;
  await start('web1');
  return world.script.calls.slice(before).indexOf('hypervisor.launch');
}

/** A daemon's death is no failure of the request: nobody is left to hear it. */
function isFailure(thrown: unknown): boolean {
  if (thrown instanceof DaemonKilled) throw thrown;
  return thrown instanceof VmmError;
}
