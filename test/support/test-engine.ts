import type { Vm } from '../../src/contract/resources/vm.ts';
import type { Context, Reporter } from '../../src/engine/context.ts';
import { Locks } from '../../src/engine/locks.ts';
import { createVm } from '../../src/engine/vm/create.ts';
import { deleteVm } from '../../src/engine/vm/delete.ts';
import { startVm } from '../../src/engine/vm/start.ts';
import { stopVm } from '../../src/engine/vm/stop.ts';
import { type FakePorts, type FakeWorld, fakeWorld } from '../../src/fakes/fake-world.ts';

export type CreateInput = Parameters<typeof createVm>[1];

/** What a person at a terminal would be shown; `abort` is Ctrl-C. */
export function testReporter() {
  const controller = new AbortController();
  const notices: string[] = [];
  const reporter: Reporter = {
    signal: controller.signal,
    onProgress: () => undefined,
    onNotice: (notice) => notices.push(notice),
  };
  return { reporter, notices, abort: () => controller.abort() };
}

/** A run of the daemon on an imagined host, which is killed when the next one is made. */
export function bootEngine(world: FakeWorld, subnet = '172.16.0.0/16'): Context & Pick<FakePorts, 'died'> {
  return {
    ...world.daemon(),
    settings: { subnet, engine: 'auto', layout: world.paths },
    locks: new Locks(),
    handles: new Map(),
    listeners: new Set(),
  };
}

/** An imagined host with the images debian (own init) and tiny, and the verbs of the command line. */
export async function testEngine({ subnet }: { readonly subnet?: string } = {}) {
  const world = fakeWorld();
  const context = bootEngine(world, subnet);
  const { reporter } = testReporter();
  await context.kit.ensure(reporter);
  for (const recipe of ['debian', 'tiny'] as const)
    context.store.putImage(await context.images.build({ name: recipe, recipe, ...reporter }));
  return { world, context, ...verbs(context) };
}

/** The verbs as tests say them: short, with nobody watching the progress. */
export function verbs(context: Context) {
  const { reporter } = testReporter();
  const inspect = (name: string): Vm => {
    const row = context.store.findVm(name);
    if (row === undefined) throw new Error(`There is no VM ${name}.`);
    return row.vm;
  };
  return {
    create: (name: string, spec: Omit<CreateInput, 'name'> = {}, as = reporter) =>
      createVm(context, { name, ...spec }, as),
    start: (name: string, { wait = true, timeoutSeconds = 60 } = {}, as = reporter) =>
      startVm(context, name, { wait, timeoutSeconds }, as),
    stop: (name: string, { force = false, timeoutSeconds = 30 } = {}, as = reporter) =>
      stopVm(context, name, { force, timeoutSeconds }, as),
    remove: (name: string, { force = false } = {}) => deleteVm(context, name, force, reporter.signal),
    inspect,
    idOf: (name: string) => inspect(name).id,
    events: (subject: string) => context.store.listEvents({ after: 0, subject, limit: 1000 }).map(({ type }) => type),
  };
}
