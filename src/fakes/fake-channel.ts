import { VmmError } from '../contract/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { GuestChannel } from '../ports/guest-channel.ts';
import type { VmHandle } from '../ports/hypervisor.ts';
import type { FakeHypervisor, Machine } from './fake-hypervisor.ts';
import type { FakeNetwork } from './fake-network.ts';

/** Reaches the guests of the imagined host, by the same conditions as in the real one: tap, rules and a guest that answers. */
export class FakeChannel implements GuestChannel {
  /** How long a guest takes from launch to sshd. */
  bootMs = 2_000;
  #keys = 0;
  readonly #clock: Clock;
  readonly #network: FakeNetwork;
  readonly #hypervisors: readonly FakeHypervisor[];

  constructor(deps: { clock: Clock; network: FakeNetwork; hypervisors: readonly FakeHypervisor[] }) {
    this.#clock = deps.clock;
    this.#network = deps.network;
    this.#hypervisors = deps.hypervisors;
  }

  async awaitSsh(ip: string, { timeoutMs, signal }: Parameters<GuestChannel['awaitSsh']>[1]): Promise<void> {
    try {
      await this.#clock.sleep(Math.min(this.bootMs, timeoutMs), signal);
      if (this.bootMs <= timeoutMs && this.#guestAt(ip)?.behaviour === 'answers') return;
      await this.#clock.sleep(Math.max(0, timeoutMs - this.bootMs), signal);
    } catch (error) {
      throw new VmmError('aborted', 'The request was cancelled.', { cause: error });
    }
    throw new VmmError('guest_timeout', `Nothing answered ssh at ${ip} within ${timeoutMs / 1000} s.`, {
      hint: 'See what the guest printed: vmm logs',
    });
  }

  async agentShutdown(handle: VmHandle): Promise<boolean> {
    if (!(await this.agentPing(handle))) return false;
    setImmediate(() => this.#running(handle)?.end('guest-poweroff'));
    return true;
  }

  async agentPing(handle: VmHandle): Promise<boolean> {
    return handle.agentSocketPath !== undefined && this.#running(handle)?.behaviour === 'answers';
  }

  async generateKeyPair(comment: string): ReturnType<GuestChannel['generateKeyPair']> {
    const key = `key${++this.#keys}`;
    return {
      privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${key}\n-----END OPENSSH PRIVATE KEY-----\n`,
      publicKey: `ssh-ed25519 ${Buffer.from(key).toString('base64')} ${comment}`,
    };
  }

  #guestAt(ip: string): Machine | undefined {
    const member = [...this.#network.members.values()].find((other) => other.ip === ip);
    if (member === undefined || !this.#network.taps.has(member.tap)) return undefined;
    const machines = this.#hypervisors.flatMap((hypervisor) => hypervisor.machines());
    return machines.find((machine) => machine.plan.nic?.tap === member.tap);
  }

  #running(handle: VmHandle): ReturnType<FakeHypervisor['machine']> | undefined {
    const hypervisor = this.#hypervisors.find((other) =>
      other.machines().some((machine) => machine.record === handle.record),
    );
    const machine = hypervisor?.machines().find((other) => other.record === handle.record);
    return machine === undefined ? undefined : hypervisor?.machine(machine.plan.name);
  }
}
