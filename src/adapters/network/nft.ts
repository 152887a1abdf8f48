import { z } from 'zod';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { networkFailure } from './failure.ts';

const tableSchema = z.object({ family: z.string(), name: z.string() });
const chainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
});
/** libnftables-json(5): a list of objects with one key each. Kinds we do not read are passed over. */
const listingSchema = z.object({
  nftables: z.array(z.object({ table: tableSchema.optional(), chain: chainSchema.optional() })),
});
export type NftTable = z.infer<typeof tableSchema>;
export type NftChain = z.infer<typeof chainSchema>;

export interface Nft {
  /** Applies statements as one transaction: all or nothing. */
  apply(text: string, signal: AbortSignal): Promise<void>;
  /** Tells whether the kernel would take them, and changes nothing. */
  check(text: string, signal: AbortSignal): Promise<void>;
  tables(signal: AbortSignal): Promise<readonly NftTable[]>;
  chains(signal: AbortSignal): Promise<readonly NftChain[]>;
  /** The text of a foreign table. */
  tableText(table: NftTable, signal: AbortSignal): Promise<string>;
}

const timeoutMs = 30_000;

export function createNft(runner: CommandRunner): Nft {
  async function nft(args: readonly string[], stdin: string | undefined, signal: AbortSignal): Promise<string> {
    try {
      const input = stdin === undefined ? {} : { stdin };
      return (await runner.run({ program: 'nft', args, timeoutMs, signal, ...input })).stdout;
    } catch (thrown) {
      throw networkFailure('The rules of nftables could not be changed or read', thrown);
    }
  }
  async function list(what: string, signal: AbortSignal) {
    const stdout = await nft(['-j', 'list', what], undefined, signal);
    try {
      return listingSchema.parse(JSON.parse(stdout)).nftables;
    } catch (thrown) {
      throw networkFailure('The answer of nft could not be read', thrown);
    }
  }
  return {
    async apply(text, signal) {
      await nft(['-f', '-'], text, signal);
    },
    async check(text, signal) {
      await nft(['-c', '-f', '-'], text, signal);
    },
    tables: async (signal) => (await list('tables', signal)).flatMap(({ table }) => table ?? []),
    chains: async (signal) => (await list('chains', signal)).flatMap(({ chain }) => chain ?? []),
    tableText: ({ family, name }, signal) => nft(['list', 'table', family, name], undefined, signal),
  };
}
