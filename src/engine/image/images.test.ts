import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootEngine, testEngine, testReporter } from '../../../test/support/test-engine.ts';
import { operations } from '../../contract/operations.ts';
import { fakeWorld } from '../../fakes/fake-world.ts';
import { deleteImage } from './delete.ts';
import { pullImage } from './pull.ts';
import { findImage, viewImage } from './view.ts';

/** As the command line sends it, defaults filled in. */
const wanted = (name: string, force = false) => operations['image.pull'].input.parse({ name, force });

describe('image pull', () => {
  it('makes kernel and image on a new host, and the second time finds them', async () => {
    const world = fakeWorld();
    const context = bootEngine(world);
    const { reporter } = testReporter();
    const first = await pullImage(context, wanted('debian'), reporter);
    assert.equal(first.image.name, 'debian');
    assert.equal(first.kernel.name, 'default');
    world.script.calls.length = 0;
    const second = await pullImage(context, wanted('debian'), reporter);
    assert.deepEqual(second, first);
    assert.ok(!world.script.calls.includes('images.build'));
  });

  it('makes them once when asked for twice at the same time', async () => {
    const world = fakeWorld();
    const context = bootEngine(world);
    const { reporter } = testReporter();
    const pull = () => pullImage(context, wanted('tiny'), reporter);
    const [first, second] = await Promise.all([pull(), pull()]);
    assert.deepEqual(first, second);
    assert.equal(world.script.calls.filter((call) => call === 'images.build').length, 1);
  });

  it('refuses names that are none of the default images', async () => {
    const { context } = await testEngine();
    await assert.rejects(pullImage(context, wanted('nginx'), testReporter().reporter), {
      code: 'not_supported',
      hint: 'vmm image pull debian',
    });
  });

  it('that is cancelled records nothing, and can be tried again', async () => {
    const world = fakeWorld();
    const context = bootEngine(world);
    const { reporter, abort } = testReporter();
    world.script.hang('images.build');
    const pulling = pullImage(context, wanted('tiny'), reporter);
    setImmediate(abort);
    await assert.rejects(pulling, { code: 'aborted' });
    assert.equal(context.store.findImage('tiny'), undefined);
    await pullImage(context, wanted('tiny'), testReporter().reporter);
  });

  it('by force leaves VMs the base image that they were made from', async () => {
    const { world, context, create, start } = await testEngine();
    await create('web1', { image: 'tiny' });
    const old = findImage(context, 'tiny');
    await pullImage(context, wanted('tiny', true), testReporter().reporter);
    assert.ok(world.files.has(world.images.basePath(old.digest)));
    await start('web1');
  });
});

describe('an image', () => {
  it('says which VMs use it, and is not deleted under them', async () => {
    const { context, create } = await testEngine();
    await create('web1', { image: 'tiny' });
    assert.deepEqual(viewImage(context, findImage(context, 'tiny')).usedBy, ['web1']);
    assert.deepEqual(viewImage(context, findImage(context, 'debian')).usedBy, []);
    await assert.rejects(deleteImage(context, 'tiny'), { code: 'image_in_use' });
    await assert.rejects(deleteImage(context, 'nginx'), { code: 'image_not_found' });
  });

  it('is not deleted under a create that is under way', async () => {
    const { world, context, create, start } = await testEngine();
    const creating = create('web1', { image: 'tiny' });
    const deleting = deleteImage(context, 'tiny').then(
      () => 'deleted',
      () => 'refused',
    );
    await creating;
    assert.equal(await deleting, 'refused');
    await start('web1');
    assert.deepEqual(world.leftovers(), []);
  });
});
