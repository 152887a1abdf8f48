import type { VmHandle } from './hypervisor.ts';

/** Talking with a running guest from the host, without trusting what it says: every answer is bounded and parsed strictly. */
export interface GuestChannel {
  /** Resolves when the guest's sshd at ip:22 sends its banner. Rejects with guest_timeout after timeoutMs, or aborted. */
  awaitSsh(ip: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** Asks the guest agent to power off; false when no agent answers. */
  agentShutdown(handle: VmHandle, signal: AbortSignal): Promise<boolean>;
  /** True when the agent answers a ping in time. */
  agentPing(handle: VmHandle, signal: AbortSignal): Promise<boolean>;
  /** A fresh ed25519 key pair in OpenSSH's form. */
  generateKeyPair(comment: string): Promise<{ readonly privateKey: string; readonly publicKey: string }>;
}
