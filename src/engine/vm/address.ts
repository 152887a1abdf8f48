import { VmmError } from '../../contract/errors.ts';
import { contains, macFor, nextAddress, parseSubnet } from '../../domain/addresses.ts';
import type { VmRow } from '../../ports/state-store.ts';
import type { Context } from '../context.ts';

export interface Address {
  readonly ip: string;
  readonly mac: string;
  readonly gateway: string;
  readonly prefix: number;
}

/** Gives a VM its address at its first start; afterwards it keeps it. One synchronous transaction, so that no two starts get the same. */
export function giveAddress(context: Context, vmId: string, reserved: readonly string[]): Address {
  const subnet = parseSubnet(context.settings.subnet);
  return context.store.transaction(() => {
    const rows = context.store.listVms();
    const row = rows.find(({ vm }) => vm.id === vmId);
    if (row === undefined) throw new VmmError('vm_not_found', `VM ${vmId} is gone.`, { hint: 'vmm list' });
    const taken = new Set([...reserved, ...rows.filter(({ vm }) => vm.id !== vmId).flatMap(addressesOf)]);
    const kept = row.vm.spec.ip ?? row.vm.status.ip;
    if (row.vm.spec.ip !== undefined && taken.has(row.vm.spec.ip)) {
      throw new VmmError('address_in_use', `${row.vm.spec.ip}, the address of VM ${row.vm.name}, is taken.`, {
        hint: `Choose another: vmm set ${row.vm.name} --ip ADDRESS`,
      });
    }
    // After a change of the subnet an address kept from the old one no longer fits.
    const ip = kept !== undefined && !taken.has(kept) && contains(subnet, kept) ? kept : nextAddress(subnet, taken);
    const mac = macFor(vmId);
    context.store.updateVm({ ...row, vm: { ...row.vm, status: { ...row.vm.status, ip, mac } } });
    return { ip, mac, gateway: subnet.gateway, prefix: subnet.prefix };
  });
}

function addressesOf({ vm }: VmRow): string[] {
  return [vm.spec.ip, vm.status.ip].filter((ip) => ip !== undefined);
}
