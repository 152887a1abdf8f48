import { z } from 'zod';

/** VM, image and kernel names: also host names and file names, so RFC 1123 labels: at most 63 of a-z, 0-9 and -, upper case allowed. */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
    'use 1 to 63 letters, digits and dashes, with no dash at either end',
  );

/** Mount tags: as the spec has them, letters, digits, dashes and underscores; 36 bytes is virtiofs's own limit for tags. */
export const mountTagSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,36}$/, 'use 1 to 36 letters, digits, dashes and underscores');

export const ipv4Schema = z.ipv4();
export const macSchema = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
export const portSchema = z.int().min(1).max(65_535);
