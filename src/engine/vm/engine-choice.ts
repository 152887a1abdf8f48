import { VmmError } from '../../contract/errors.ts';
import type { VmSpec } from '../../contract/resources/vm.ts';
import type { BootFiles, EngineReport, Hypervisor } from '../../ports/hypervisor.ts';
import type { Context } from '../context.ts';

export interface EngineChoice {
  readonly hypervisor: Hypervisor;
  readonly report: EngineReport;
  readonly reason: string;
}

/** The engine for a VM: the one it names, else the host's default, else the first that is available and can what the VM asks for. */
export async function chooseEngine(
  context: Context,
  spec: VmSpec,
  boot: BootFiles,
  signal: AbortSignal,
): Promise<EngineChoice> {
  const wanted = spec.engine === 'auto' ? context.settings.engine : spec.engine;
  const candidates = context.hypervisors.filter(({ name }) => wanted === 'auto' || name === wanted);
  if (candidates.length === 0) {
    throw new VmmError('engine_unavailable', `This version has no engine named ${wanted}.`, {
      hint: `Use --engine auto or ${context.hypervisors.map(({ name }) => name).join(', ')}`,
    });
  }
  const refusals: EngineReport[] = [];
  for (const hypervisor of candidates) {
    if (spec.mounts.some(({ kind }) => kind === 'live') && !hypervisor.capabilities.liveMounts) continue;
    const report = await hypervisor.probe({ boot, canary: true, signal });
    if (report.available) {
      const why = wanted === 'auto' ? 'chosen automatically' : 'asked for';
      return { hypervisor, report, reason: `${hypervisor.name}, ${why}: ${report.reason}` };
    }
    refusals.push(report);
  }
  const [first] = refusals;
  throw new VmmError(
    'engine_unavailable',
    first === undefined
      ? `No engine has live mounts on this host.`
      : `No engine can run here: ${refusals.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`,
    {
      hint: first?.hint ?? 'vmm doctor',
    },
  );
}
