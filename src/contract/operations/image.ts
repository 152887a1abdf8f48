import { z } from 'zod';
import { operation } from '../operation.ts';
import { imageViewSchema, kernelSchema } from '../resources/image.ts';
import { nameSchema } from '../resources/names.ts';
import { none } from './common.ts';

/** Images. */
export const imageOperations = {
  'image.list': operation({
    method: 'GET',
    path: '/v1/images',
    mode: 'plain',
    summary: 'List the images',
    query: none,
    input: none,
    output: z.array(imageViewSchema),
    errors: [],
    cli: 'image list',
  }),
  'image.inspect': operation({
    method: 'GET',
    path: '/v1/images/:name',
    mode: 'plain',
    summary: 'Show all of one image',
    query: none,
    input: none,
    output: imageViewSchema,
    errors: ['image_not_found'],
    cli: 'image inspect',
  }),
  'image.pull': operation({
    method: 'POST',
    path: '/v1/images/pull',
    mode: 'progress',
    summary: 'Make or fetch the default kernel and image',
    query: none,
    input: z.strictObject({
      name: nameSchema.default('debian').describe('`debian`, or `tiny`: an image of busybox alone'),
      source: z
        .enum(['auto', 'bootstrap'])
        .default('auto')
        .describe('Where from; `bootstrap` makes it from the distribution’s packages'),
      force: z.boolean().default(false).describe('Make it anew although it is there'),
    }),
    output: z.object({ image: imageViewSchema, kernel: kernelSchema }),
    errors: [
      'image_build_failed',
      'kit_build_failed',
      'host_program_missing',
      'not_supported',
      'disk_full',
      'storage_failed',
    ],
    cli: 'image pull',
  }),
  'image.delete': operation({
    method: 'DELETE',
    path: '/v1/images/:name',
    mode: 'plain',
    summary: 'Delete an image',
    query: none,
    input: none,
    output: z.object({}),
    errors: ['image_not_found', 'image_in_use'],
    cli: 'image delete',
  }),
} as const;
