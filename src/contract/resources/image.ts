import { z } from 'zod';
import { nameSchema } from './names.ts';

/** How the image starts: with its own init, or with the kit's tiny init that runs `command`. */
export const imageConfigSchema = z.object({
  init: z.string().optional().describe('Absolute path of the image’s own init; absent: the kit’s tiny init'),
  entrypoint: z.array(z.string()).default([]),
  cmd: z.array(z.string()).default([]),
  env: z.array(z.string()).default([]),
  user: z.string().default('root'),
  workdir: z.string().default('/'),
  hasSshd: z.boolean().default(false).describe('The image starts an sshd of its own'),
  hasAgent: z.boolean().default(false).describe('The image starts a qemu guest agent of its own'),
});
export type ImageConfig = z.infer<typeof imageConfigSchema>;

export const imageSchema = z.object({
  name: nameSchema,
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .describe('sha256 of the base file system'),
  createdAt: z.iso.datetime(),
  source: z.string().describe('Where it came from, such as mmdebstrap:bookworm'),
  sizeBytes: z.int().describe('Size of the file system'),
  diskBytes: z.int().describe('What it takes on the host'),
  config: imageConfigSchema,
});
export type Image = z.infer<typeof imageSchema>;

export const imageViewSchema = imageSchema.extend({ usedBy: z.array(nameSchema) });
export type ImageView = z.infer<typeof imageViewSchema>;

/** A kernel and the initramfs of the guest kit that fits it. */
export const kernelSchema = z.object({
  name: nameSchema,
  version: z.string(),
  digest: z.string().describe('Of kernel, initramfs and modules together'),
  createdAt: z.iso.datetime(),
});
export type Kernel = z.infer<typeof kernelSchema>;
