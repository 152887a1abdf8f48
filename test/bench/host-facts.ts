import { availableParallelism, cpus, release } from 'node:os';
import type { Report } from './stats.ts';

export function hostFacts(): Report['host'] {
  return { cpus: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', kernel: release() };
}
