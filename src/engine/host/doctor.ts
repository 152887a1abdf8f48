import type { DoctorCheck } from '../../contract/resources/host.ts';
import type { EngineReport } from '../../ports/hypervisor.ts';
import type { Context } from '../context.ts';

const lowDiskBytes = 2 * 2 ** 30;

/** What this host can do and what is missing. */
export async function diagnose(context: Context, canary: boolean, signal: AbortSignal): Promise<DoctorCheck[]> {
  const kit = await context.kit.current();
  const engines = await Promise.all(
    context.hypervisors.map((hypervisor) => hypervisor.probe({ boot: kit, canary, signal })),
  );
  const network = await context.network.diagnose(signal);
  return [
    rootCheck(context),
    ...engines.map(engineCheck),
    kit === undefined
      ? { name: 'kernel', status: 'warning', summary: 'The guest kernel is not made yet.', hint: 'sudo vmm image pull' }
      : { name: 'kernel', status: 'ok', summary: `Linux ${kit.kernel.version}` },
    imageCheck(context),
    await diskCheck(context),
    ...network.map(
      ({ name, ok, summary, hint }): DoctorCheck => ({
        name,
        status: ok ? 'ok' : 'failed',
        summary,
        ...(hint === undefined ? {} : { hint }),
      }),
    ),
  ];
}

function rootCheck(context: Context): DoctorCheck {
  return context.host.isRoot()
    ? { name: 'root', status: 'ok', summary: 'The daemon runs as root.' }
    : {
        name: 'root',
        status: 'failed',
        summary: 'The daemon does not run as root, so it can set up no network.',
        hint: 'sudo vmm daemon stop, then sudo vmm doctor',
      };
}

function engineCheck({ name, available, version, acceleration, reason, hint }: EngineReport): DoctorCheck {
  const title = [name, version].filter((part) => part !== undefined).join(' ');
  const status = !available ? 'failed' : acceleration === 'kvm' ? 'ok' : 'warning';
  return { name: 'engine', status, summary: `${title}: ${reason}`, ...(hint === undefined ? {} : { hint }) };
}

function imageCheck(context: Context): DoctorCheck {
  const names = context.store.listImages().map(({ name }) => name);
  return names.length > 0
    ? { name: 'images', status: 'ok', summary: names.join(', ') }
    : { name: 'images', status: 'warning', summary: 'There is no image yet.', hint: 'sudo vmm image pull' };
}

async function diskCheck(context: Context): Promise<DoctorCheck> {
  const free = await context.volumes.freeBytes();
  const summary = `${Math.floor(free / 2 ** 20)} MiB free in ${context.settings.layout.root}`;
  return free > lowDiskBytes
    ? { name: 'disk', status: 'ok', summary }
    : { name: 'disk', status: 'warning', summary, hint: 'Free some space: vmm image list' };
}
