import type { IncomingHttpHeaders } from 'node:http';
import { VmmError } from '../../contract/errors.ts';
import { versionHeader } from '../../contract/protocol.ts';

/** Refuses work from a client of another version before it begins. A client that names none is a person's own tool. */
export function assertVersion(headers: IncomingHttpHeaders, version: string): void {
  const theirs = headers[versionHeader];
  if (theirs === undefined || theirs === version) return;
  throw new VmmError('daemon_version', `The daemon is version ${version}, the client ${String(theirs)}.`, {
    hint: 'Run the command again, or stop the daemon with `vmm daemon stop`: VMs keep running.',
  });
}
