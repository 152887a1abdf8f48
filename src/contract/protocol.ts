/** What daemon and client agree on beside the operations table. */

/** Request and answer both carry the version; the daemon refuses work from a client of another one before it begins. */
export const versionHeader = 'vmm-version';
/** The protocol named in the HTTP Upgrade of `duplex` operations. */
export const upgradeProtocol = 'vmm-stream';
export const frameMediaType = 'application/x-ndjson';
export const problemMediaType = 'application/problem+json';
