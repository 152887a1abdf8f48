import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { QemuDeps } from './deps.ts';

const choiceSchema = z.union([
  z.object({ machine: z.literal('microvm'), acceleration: z.literal('kvm') }),
  z.object({ machine: z.literal('microvm'), acceleration: z.literal('tcg'), tscKhz: z.int().positive() }),
  z.object({ machine: z.literal('q35'), acceleration: z.literal('tcg') }),
]);

/** How guests are run on this host, and why; true for one boot of the host, one QEMU and one kit. */
const verdictSchema = z.object({
  bootId: z.string(),
  version: z.string(),
  kitDigest: z.string(),
  choice: choiceSchema,
  reason: z.string(),
  hint: z.string().optional(),
});
export type Verdict = z.infer<typeof verdictSchema>;
export type VerdictKey = Pick<Verdict, 'bootId' | 'version' | 'kitDigest'>;

const path = (deps: QemuDeps) => join(deps.layout.state, 'qemu-verdict.json');

/** The stored verdict, if it is of this boot and this QEMU, and of this kit where one is named. */
export async function readVerdict(
  deps: QemuDeps,
  key: Omit<VerdictKey, 'kitDigest'> & { readonly kitDigest: string | undefined },
): Promise<Verdict | undefined> {
  const text = await readFile(path(deps), 'utf8').catch(() => '');
  const parsed = verdictSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { bootId, version, kitDigest } = parsed.data;
  const fits = bootId === key.bootId && version === key.version && (key.kitDigest ?? kitDigest) === kitDigest;
  return fits ? parsed.data : undefined;
}

/** A cache: that it cannot be written costs the next start a canary, and is no reason to fail. */
export async function writeVerdict(deps: QemuDeps, verdict: Verdict): Promise<void> {
  const temporary = `${path(deps)}.new`;
  try {
    await mkdir(deps.layout.state, { recursive: true });
    await writeFile(temporary, `${JSON.stringify(verdict, undefined, 2)}\n`, { mode: 0o600 });
    await rename(temporary, path(deps));
  } catch {
    return;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
