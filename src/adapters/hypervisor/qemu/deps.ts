import type { Layout } from '../../../domain/layout.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { CommandRunner } from '../../../ports/command-runner.ts';
import type { ProcessTable } from '../../../ports/process-table.ts';

export interface QemuDeps {
  readonly runner: CommandRunner;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly layout: Pick<Layout, 'state' | 'tmp'>;
}
