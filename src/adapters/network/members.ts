import type { NetworkMember } from '../../ports/host-network.ts';
import { closeAllFlows, closeFlows } from './close-flows.ts';
import { assertRoot, type Context } from './context.ts';
import { assertInSubnet, type Element, elementsOf, elementText, uniqueElements } from './elements.ts';
import { isRefusal } from './failure.ts';
import { PortTaken } from './listener-table.ts';
import { renderChange } from './ruleset.ts';
import { holderOf, portInUse } from './sockets.ts';
import { ourTables, swapTables } from './tables.ts';

/** Adds a VM, or changes the forwards of one that is there. What was there before is there again when it fails. */
export async function addMember(context: Context, member: NetworkMember, signal: AbortSignal): Promise<void> {
  assertRoot(context);
  const { plan, nft, members, newTaps, listeners, runner } = context;
  assertInSubnet(plan, member);
  const before = members.get(member.vmId);
  const now = elementsOf(member);
  const gone = without(before === undefined ? [] : elementsOf(before), now);
  try {
    await listeners.serve(member);
    members.set(member.vmId, member);
    await nft.apply(renderChange(plan, gone, now), signal).catch(async (thrown: unknown) => {
      // Tables that others flushed come back whole. What is claimed twice is refused for good.
      if (!isRefusal(thrown) || uniqueElements([...members.values()]).refused.length > 0) throw thrown;
      await swapTables(context, signal);
    });
  } catch (thrown) {
    if (before === undefined) members.delete(member.vmId);
    else members.set(member.vmId, before);
    await (before === undefined ? listeners.drop(member.vmId) : listeners.serve(before)).catch(() => undefined);
    if (!(thrown instanceof PortTaken)) throw thrown;
    const { forward } = thrown.wanted;
    throw portInUse(forward, await holderOf(runner, forward, signal));
  }
  newTaps.delete(member.tap);
  if (before === undefined) await tellNeighbour(context, member, signal);
  if (before !== undefined) await closeFlows(runner, before.ip, lostForwards(before, member), signal);
}

/** Takes a VM out. One that is not there, or whose tables are gone, is no failure. */
export async function removeMember(context: Context, member: NetworkMember, signal: AbortSignal): Promise<void> {
  assertRoot(context);
  const { plan, nft, members, listeners, runner } = context;
  const known = members.get(member.vmId);
  members.delete(member.vmId);
  await listeners.drop(member.vmId);
  const given = elementsOf(member);
  const gone = [...given, ...without(known === undefined ? [] : elementsOf(known), given)];
  await nft.apply(renderChange(plan, gone, []), signal).catch(async (thrown: unknown) => {
    if (!isRefusal(thrown)) throw thrown;
    // A port that has come to belong to another VM: the whole is put right.
    if (ourTables(context, await nft.tables(signal)).length > 0) await swapTables(context, signal);
  });
  await closeAllFlows(runner, member.ip, signal);
}

/**
 * The address may have been another VM's a moment ago. The kernel would go on to send to that one's hardware address until its
 * entry is stale and three questions were in vain: 40 seconds in which nobody here reaches the new VM.
 */
async function tellNeighbour({ ip, plan }: Context, member: NetworkMember, signal: AbortSignal): Promise<void> {
  const entry = [member.ip, 'lladdr', member.mac, 'dev', plan.bridge, 'nud', 'stale'];
  // Without it the VM is only late.
  await ip.change('The neighbour could not be told', ['neighbour', 'replace', ...entry], signal).catch(() => undefined);
}

function without(elements: readonly Element[], others: readonly Element[]): readonly Element[] {
  const text = (element: Element) => `${element.set} ${elementText(element)}`;
  const kept = new Set(others.map(text));
  return elements.filter((element) => !kept.has(text(element)));
}

function lostForwards(before: NetworkMember, now: NetworkMember): NetworkMember['forwards'] {
  const text = ({ protocol, bind, hostPort, guestPort }: NetworkMember['forwards'][number]) =>
    `${protocol} ${bind} ${hostPort} ${guestPort}`;
  const kept = new Set(before.ip === now.ip ? now.forwards.map(text) : []);
  return before.forwards.filter((forward) => !kept.has(text(forward)));
}
