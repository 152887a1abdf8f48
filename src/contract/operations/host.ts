import { z } from 'zod';
import { operation } from '../operation.ts';
import { eventSchema } from '../resources/event.ts';
import { daemonStatusSchema, doctorCheckSchema, hostConfigSchema } from '../resources/host.ts';
import { nameSchema } from '../resources/names.ts';
import { flag, none } from './common.ts';

/** The host, its events, long work, and the daemon. */
export const hostOperations = {
  'host.config': operation({
    method: 'GET',
    path: '/v1/host/config',
    mode: 'plain',
    summary: 'The settings the daemon runs with',
    query: none,
    input: none,
    output: hostConfigSchema,
    errors: [],
    cli: null,
  }),
  'host.doctor': operation({
    method: 'GET',
    path: '/v1/host/doctor',
    mode: 'plain',
    summary: 'Check what this host can do and what is missing',
    query: z.object({ canary: flag.default(true) }),
    input: none,
    output: z.array(doctorCheckSchema),
    errors: [],
    cli: 'doctor',
  }),
  'host.autostart': operation({
    method: 'POST',
    path: '/v1/host/autostart',
    mode: 'progress',
    summary: 'Start every VM that is to start with the host',
    query: none,
    input: none,
    output: z.array(z.object({ name: nameSchema, error: z.string().optional() })),
    errors: [],
    cli: 'autostart',
  }),
  'event.list': operation({
    method: 'GET',
    path: '/v1/events',
    mode: 'plain',
    summary: 'What happened, oldest first',
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      subject: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(10_000).default(1000),
    }),
    input: none,
    output: z.array(eventSchema),
    errors: [],
    cli: 'events',
  }),
  'operation.cancel': operation({
    method: 'POST',
    path: '/v1/operations/:id/cancel',
    mode: 'plain',
    summary: 'Cancel long work; what it had begun is undone',
    query: none,
    input: none,
    output: z.object({}),
    errors: ['operation_not_found'],
    cli: null,
  }),
  'daemon.status': operation({
    method: 'GET',
    path: '/v1/daemon',
    mode: 'plain',
    summary: 'Show the daemon',
    query: none,
    input: none,
    output: daemonStatusSchema,
    errors: [],
    cli: 'daemon status',
  }),
  'daemon.stop': operation({
    method: 'POST',
    path: '/v1/daemon/stop',
    mode: 'plain',
    summary: 'Stop the daemon; VMs keep running',
    query: none,
    input: none,
    output: z.object({}),
    errors: [],
    cli: 'daemon stop',
  }),
} as const;
