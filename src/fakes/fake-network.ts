import { VmmError } from '../contract/errors.ts';
import type { Forward } from '../contract/resources/vm.ts';
import { collide } from '../domain/forwards.ts';
import type { HostNetwork, NetworkMember } from '../ports/host-network.ts';

/** An imagined host's network: a bridge, taps, the members' rules, and programs of the host that listen. */
export class FakeNetwork implements HostNetwork {
  bridge = false;
  mtu = 1500;
  readonly taps = new Set<string>();
  readonly members = new Map<string, NetworkMember>();
  /** Programs of the host that listen on a port of every address. */
  readonly listening = new Map<string, string>();
  reserved: readonly string[] = ['172.16.0.1'];

  /** A program of the host takes a port. */
  listen(protocol: Forward['protocol'], port: number, program: string): void {
    this.listening.set(`${protocol}:${port}`, program);
  }

  async reconcile(members: readonly NetworkMember[], signal: AbortSignal): Promise<readonly string[]> {
    const notices = await this.ensure(signal);
    const wanted = new Set(members.map((member) => member.tap));
    for (const tap of this.taps) if (!wanted.has(tap)) this.taps.delete(tap);
    this.members.clear();
    for (const member of members) this.members.set(member.vmId, member);
    return notices;
  }

  async ensure(signal: AbortSignal): Promise<readonly string[]> {
    stopIfAborted(signal);
    const first = !this.bridge;
    this.bridge = true;
    return first ? ['IP forwarding was switched on.'] : [];
  }

  async addTap(tap: string, signal: AbortSignal): Promise<number> {
    stopIfAborted(signal);
    if (!this.bridge) throw new VmmError('network_failed', 'The bridge is not there.');
    this.taps.add(tap);
    return this.mtu;
  }

  async removeTap(tap: string): Promise<void> {
    this.taps.delete(tap);
  }

  async addMember(member: NetworkMember, signal: AbortSignal): Promise<void> {
    stopIfAborted(signal);
    for (const forward of member.forwards) {
      await this.assertPortFree(forward, signal);
      for (const other of this.members.values()) {
        if (other.vmId !== member.vmId && other.forwards.some((taken) => collide(taken, forward))) {
          throw portInUse(forward, `VM ${other.name}`);
        }
      }
    }
    this.members.set(member.vmId, member);
  }

  async removeMember(member: NetworkMember): Promise<void> {
    this.members.delete(member.vmId);
  }

  async assertPortFree(forward: Forward, signal: AbortSignal): Promise<void> {
    stopIfAborted(signal);
    const program = this.listening.get(`${forward.protocol}:${forward.hostPort}`);
    if (program !== undefined) throw portInUse(forward, program);
  }

  async reservedAddresses(): Promise<readonly string[]> {
    return this.reserved;
  }

  async teardown(): Promise<void> {
    if (this.members.size === 0) this.bridge = false;
  }

  async diagnose(): ReturnType<HostNetwork['diagnose']> {
    return [{ name: 'bridge', ok: true, summary: this.bridge ? 'The bridge is up.' : 'No VM has needed it yet.' }];
  }

  async close(): Promise<void> {
    // There are no listeners to close: nothing connects to an imagined host.
  }
}

function portInUse(forward: Forward, owner: string): VmmError {
  return new VmmError('port_in_use', `Port ${forward.hostPort}/${forward.protocol} is taken by ${owner}.`, {
    hint: 'Choose another host port.',
  });
}

export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new VmmError('aborted', 'The request was cancelled.');
}
