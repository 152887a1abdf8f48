import { assertRoot, type Context } from './context.ts';
import { sweepPorts } from './reconcile.ts';
import { renderRemoval } from './ruleset.ts';

/** Takes all of ours away, unless a VM still needs it. */
export async function teardown(context: Context, signal: AbortSignal): Promise<void> {
  assertRoot(context);
  const { members, newTaps, listeners, doors, nft, plan, ip } = context;
  if (members.size > 0 || newTaps.size > 0) return;
  await listeners.closeAll();
  for (const door of doors) await door.close(signal);
  await nft.apply(renderRemoval(plan), signal);
  const bridge = await ip.link(plan.bridge, signal);
  if (bridge?.group !== String(plan.group)) return;
  await sweepPorts(context, signal);
  await ip.removeLink(plan.bridge, signal);
}
