import { z } from 'zod';

/** Pieces that several operations share. */
export const none = z.undefined();
export const seconds = z.coerce.number().int().min(1).max(86_400);
/** Query strings carry text only. */
export const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
export const noticesSchema = z.array(z.string()).describe('Things the user should be told');
