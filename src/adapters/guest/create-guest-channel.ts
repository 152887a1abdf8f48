import { randomInt } from 'node:crypto';
import type { Layout } from '../../domain/layout.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommandRunner } from '../../ports/command-runner.ts';
import type { GuestChannel } from '../../ports/guest-channel.ts';
import type { VmHandle } from '../../ports/hypervisor.ts';
import { type AgentCall, callAgent } from './agent.ts';
import { awaitSsh } from './await-ssh.ts';
import { generateKeyPair } from './generate-key-pair.ts';

const sshPort = 22;
/** An agent under emulation answers in 0.1 s when idle and in seconds while its guest boots. */
const agentTimeoutMs = 5_000;

export function createGuestChannel(deps: {
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly layout: Pick<Layout, 'tmp'>;
}): GuestChannel {
  const agent = async (handle: VmHandle, call: AgentCall, signal: AbortSignal) => {
    if (handle.agentSocketPath === undefined) return false;
    const syncId = randomInt(1, 2 ** 31);
    return callAgent(handle.agentSocketPath, call, { timeoutMs: agentTimeoutMs, signal, syncId });
  };

  return {
    awaitSsh: (ip, options) => awaitSsh(deps.clock, { ip, port: sshPort }, options),
    agentPing: (handle, signal) => agent(handle, { command: 'guest-ping', expectsAnswer: true }, signal),
    agentShutdown: (handle, signal) =>
      agent(handle, { command: 'guest-shutdown', args: { mode: 'powerdown' }, expectsAnswer: false }, signal),
    generateKeyPair: (comment) => generateKeyPair(deps.runner, deps.layout.tmp, comment),
  };
}
