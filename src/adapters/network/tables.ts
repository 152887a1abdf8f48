import type { Context } from './context.ts';
import { uniqueElements } from './elements.ts';
import { isRefusal } from './failure.ts';
import type { NftTable } from './nft.ts';
import { renderAnew, renderRuleset } from './ruleset.ts';

/** Makes our tables hold exactly the members, in one transaction. Returns notices about claims that were left out. */
export async function swapTables({ plan, nft, members }: Context, signal: AbortSignal): Promise<readonly string[]> {
  const { elements, refused } = uniqueElements([...members.values()]);
  await nft.apply(renderRuleset(plan, elements), signal).catch(async (thrown: unknown) => {
    if (!isRefusal(thrown)) throw thrown;
    await nft.apply(renderAnew(plan, elements), signal);
  });
  return refused.map((claim) => `A forward or address of ${claim} belongs to another VM already and was left out.`);
}

export function ourTables({ plan }: Context, tables: readonly NftTable[]): readonly NftTable[] {
  return tables.filter(({ family, name }) => name === plan.table && (family === 'inet' || family === 'bridge'));
}
