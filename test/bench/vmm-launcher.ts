import type { TestHost } from '../support/test-host.ts';
import type { Launcher } from './launcher.ts';

/** `vmm create`, `vmm start`, `vmm ssh`, as a person types them. */
export function vmmLauncher(host: TestHost, image: string, keyPath: string): Launcher {
  const vm = `bench-${image}`;
  return {
    name: `vmm create, start, ssh (${image})`,
    // The daemon stays between two commands of a person; the first command of a day that starts it costs more.
    prepare: async () => {
      await host.vmm(['daemon', 'start']);
    },
    launch: async () => {
      await host.vmm(['create', vm, '--image', image, '--memory', '512', '--ssh-key', keyPath]);
      await host.vmm(['start', vm]);
      await host.vmm(['ssh', vm, '--', 'true']);
    },
    clear: async () => {
      // 3: the launch failed before there was a VM, and its own error is what counts.
      await host.vmm(['delete', '--force', vm], { okCodes: [0, 3] });
    },
  };
}
