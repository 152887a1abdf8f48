/** What daemon and client agree on beside the operations table. */

/** Request and answer both carry the version; the daemon refuses work from a client of another one before it begins. */
export const versionHeader = 'vmm-version';
/** The protocol named in the HTTP Upgrade of `duplex` operations. */
export const upgradeProtocol = 'vmm-stream';
export const frameMediaType = 'application/x-ndjson';
export const problemMediaType = 'application/problem+json';
/** HTTP trailer with the percent-encoded problem of a byte stream that failed on its way. */
export const problemTrailer = 'vmm-problem';

const mebibyte = 1024 * 1024;
/** The largest request body. User data alone may have 1 MiB, and grows when written as JSON. */
export function bodyLimitBytes(operationId: string): number {
  return operationId === 'vm.create' ? 2 * mebibyte : mebibyte;
}
