import { z } from 'zod';
import { VmmError } from '../../contract/errors.ts';
import { imageConfigSchema, imageSchema } from '../../contract/resources/image.ts';
import { engineNameSchema, vmSchema } from '../../contract/resources/vm.ts';
import type { VmRow } from '../../ports/state-store.ts';

const processSchema = z.object({ pid: z.int(), startTicks: z.int(), bootId: z.string() });

const recordSchema = z.object({
  engine: engineNameSchema,
  acceleration: z.enum(['kvm', 'tcg']),
  process: processSchema,
  helpers: z.array(processSchema),
  runtimeDir: z.string(),
  consoleLogPath: z.string(),
});

const vmDocumentSchema = z.object({
  vm: vmSchema,
  machineId: z.string(),
  hostPrivateKey: z.string(),
  hostPublicKey: z.string(),
  disk: z.object({ kind: z.enum(['reflink', 'overlay']), path: z.string(), sizeBytes: z.int() }),
  baseDigest: z.string(),
  imageConfig: imageConfigSchema,
  record: recordSchema.optional(),
  stoppedByUser: z.boolean(),
});

const documentRowSchema = z.object({ name: z.string(), document: z.string() });

/** A row that does not parse was damaged from outside; it must not be taken for anything else. */
function parseDocument<T>(schema: z.ZodType<T>, row: unknown, kind: string, path: string): T {
  const { name, document } = documentRowSchema.parse(row);
  try {
    return schema.parse(JSON.parse(document));
  } catch (error) {
    throw new VmmError('storage_failed', `The record of ${kind} ${name} in ${path} is damaged.`, {
      hint: `Restore ${path} from a backup, or look at it: sqlite3 ${path} "SELECT * FROM ${kind}s WHERE name='${name}'"`,
      ...(error instanceof z.ZodError ? { detail: z.prettifyError(error) } : {}),
      cause: error,
    });
  }
}

export const parseVm = (row: unknown, path: string): VmRow => {
  const document = parseDocument(vmDocumentSchema, row, 'vm', path);
  return { ...document, record: document.record };
};

export const parseImage = (row: unknown, path: string) => parseDocument(imageSchema, row, 'image', path);
