/**
 * The error catalogue: every way a request can fail, declared once. HTTP status and exit code stand
 * here as data and are applied only at the edges (daemon/http, cli). `npm run gen` writes docs/errors.md from it.
 */

/** Exit codes of the command line. 0 is success; `ssh`, `exec` and `run` pass the guest command's own code through. */
export const exitCodes = {
  failure: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  permission: 5,
  host: 6,
  guest: 7,
  timeout: 8,
  internal: 70,
  interrupted: 130,
} as const;
export type ExitKind = keyof typeof exitCodes;

interface ErrorEntry {
  readonly status: number;
  readonly exit: ExitKind;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What the code means, for the error reference. */
  readonly meaning: string;
}

const entry = (status: number, exit: ExitKind, meaning: string, retryable = false): ErrorEntry => ({
  status,
  exit,
  retryable,
  meaning,
});

export const errorCatalogue = {
  invalid_input: entry(400, 'usage', 'A value in the request is malformed or out of range.'),
  invalid_name: entry(400, 'usage', 'A name has characters or a length that names may not have.'),
  invalid_ssh_key: entry(400, 'usage', 'The file is no OpenSSH public key (or is a private one).'),
  invalid_mount: entry(
    400,
    'usage',
    'A mount path or tag is malformed, unreadable, missing, relative, or overlaps another.',
  ),
  invalid_config: entry(400, 'usage', 'A configuration file or key cannot be used.'),
  not_supported: entry(400, 'usage', 'The chosen engine, image or host cannot do what was asked.'),
  vm_not_found: entry(404, 'notFound', 'There is no VM with that name.'),
  image_not_found: entry(404, 'notFound', 'There is no image with that name.'),
  kernel_not_found: entry(404, 'notFound', 'There is no kernel with that name.'),
  forward_not_found: entry(404, 'notFound', 'The VM has no such port forward.'),
  mount_not_found: entry(404, 'notFound', 'The VM has no mount with that tag.'),
  operation_not_found: entry(404, 'notFound', 'There is no operation with that id, or it has ended.'),
  route_not_found: entry(404, 'notFound', 'The API has no such path.'),
  vm_exists: entry(409, 'conflict', 'A VM with that name exists already.'),
  image_exists: entry(409, 'conflict', 'An image with that name exists already.'),
  image_in_use: entry(409, 'conflict', 'A VM still uses the image.'),
  illegal_state: entry(409, 'conflict', 'The VM is in a state in which this cannot be done.'),
  vm_busy: entry(409, 'conflict', 'Another operation on this VM is under way.', true),
  port_in_use: entry(409, 'conflict', 'The host port is taken by another VM or by a program on the host.'),
  address_in_use: entry(409, 'conflict', 'The address belongs to another VM.'),
  mount_has_changes: entry(409, 'conflict', 'A mount holds writes of the guest that were never pulled.'),
  subnet_exhausted: entry(409, 'conflict', 'No free address is left in the subnet.'),
  subnet_conflict: entry(409, 'conflict', 'The subnet collides with a route or an interface of the host.'),
  too_few_resources: entry(409, 'conflict', 'The host has less memory or fewer cpus than were asked for.'),
  permission_denied: entry(403, 'permission', 'The caller may not do this.'),
  not_root: entry(403, 'permission', 'This needs root: run it with sudo, or join the group vmm.'),
  daemon_unreachable: entry(503, 'host', 'The daemon does not answer and could not be started.', true),
  daemon_busy: entry(503, 'host', 'The daemon is stopping, or has too much under way to take more.', true),
  daemon_running: entry(409, 'conflict', 'A daemon runs already for this data directory.'),
  daemon_version: entry(409, 'host', 'The running daemon is of another version.'),
  host_program_missing: entry(424, 'host', 'A program of the host is not installed.'),
  host_device_missing: entry(424, 'host', 'A device of the host is missing or cannot be opened.'),
  command_failed: entry(500, 'host', 'A program of the host failed.'),
  command_timeout: entry(500, 'timeout', 'A program of the host did not end in time.', true),
  network_failed: entry(500, 'host', 'A bridge, tap or firewall rule could not be set up.'),
  disk_full: entry(507, 'host', 'The file system of the data directory is full.'),
  storage_failed: entry(500, 'host', 'A file of the data directory could not be read or written.'),
  image_invalid: entry(422, 'failure', 'The image cannot be used: it is damaged or of an unknown form.'),
  image_build_failed: entry(500, 'failure', 'The image could not be made.'),
  kit_build_failed: entry(500, 'failure', 'The guest kit (kernel, initramfs) could not be made.'),
  engine_unavailable: entry(424, 'host', 'The engine is not installed or cannot run on this host.'),
  engine_failed: entry(500, 'host', 'The engine refused a request or ended unexpectedly.'),
  guest_timeout: entry(504, 'guest', 'The guest did not answer in time.', true),
  guest_exited: entry(502, 'guest', 'The guest ended before it was ready.'),
  guest_unreachable: entry(502, 'guest', 'The guest runs but does not answer.', true),
  archive_refused: entry(
    502,
    'guest',
    'The guest sent an archive with entries that reach outside their directory; nothing outside was written.',
  ),
  aborted: entry(499, 'interrupted', 'The request was cancelled; what it had begun was undone.'),
  internal: entry(500, 'internal', 'A fault of vmm itself. Please report it.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** What every failure carries. `message` says what happened to which thing; `hint` says what to type next. */
export class VmmError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Evidence for the reader, such as the last lines of a console. Never secret. */
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VmmError';
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail;
  }

  get retryable(): boolean {
    return errorCatalogue[this.code].retryable;
  }
}

/** The error on the wire: RFC 9457 problem details with our code and hint. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly detail?: string;
  readonly retryable: boolean;
}

export function toProblem(error: VmmError): ProblemDetails {
  const { status, retryable } = errorCatalogue[error.code];
  return {
    type: `urn:vmm:error:${error.code}`,
    title: error.message,
    status,
    code: error.code,
    retryable,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
  };
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value);
}

export function fromProblem(problem: ProblemDetails): VmmError {
  return new VmmError(isErrorCode(problem.code) ? problem.code : 'internal', problem.title, {
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
  });
}

/** Any thrown value as a VmmError: ours pass through, an abort is `aborted`, a full disk is that, all else is `internal`. */
export function asVmmError(thrown: unknown): VmmError {
  if (thrown instanceof VmmError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new VmmError('aborted', 'The request was cancelled.', { cause: thrown });
  }
  if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')) {
    const path = 'path' in thrown && typeof thrown.path === 'string' ? ` of ${thrown.path}` : '';
    return new VmmError('disk_full', `The file system${path} is full.`, {
      hint: 'Make room there; see what takes it: df -h',
      cause: thrown,
    });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new VmmError('internal', `Unexpected fault: ${message}`, { cause: thrown });
}
