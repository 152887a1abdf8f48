import { z } from 'zod';
import { operation } from '../operation.ts';
import { ipv4Schema, portSchema } from '../resources/names.ts';
import { forwardSchema } from '../resources/vm.ts';
import { none } from './common.ts';

/** Port forwards. */
export const forwardOperations = {
  'forward.list': operation({
    method: 'GET',
    path: '/v1/vms/:name/forwards',
    mode: 'plain',
    summary: 'List the port forwards of a VM',
    query: none,
    input: none,
    output: z.array(forwardSchema),
    errors: ['vm_not_found'],
    cli: 'port-forward list',
  }),
  'forward.add': operation({
    method: 'POST',
    path: '/v1/vms/:name/forwards',
    mode: 'plain',
    summary: 'Forward a port of the host to a VM',
    query: none,
    input: forwardSchema,
    output: forwardSchema,
    errors: ['vm_not_found', 'port_in_use', 'vm_busy', 'network_failed', 'invalid_input'],
    cli: 'port-forward add',
  }),
  'forward.remove': operation({
    method: 'DELETE',
    path: '/v1/vms/:name/forwards',
    mode: 'plain',
    summary: 'Remove a port forward',
    query: z.object({
      hostPort: z.coerce.number().pipe(portSchema),
      protocol: z.enum(['tcp', 'udp']).default('tcp'),
      bind: ipv4Schema.optional(),
    }),
    input: none,
    output: forwardSchema,
    errors: ['vm_not_found', 'forward_not_found', 'vm_busy', 'network_failed'],
    cli: 'port-forward remove',
  }),
} as const;
