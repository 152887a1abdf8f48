import { VmmError } from '../../contract/errors.ts';
import type { Forward } from '../../contract/resources/vm.ts';

const pattern = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/;

function bad(text: string, why: string): VmmError {
  return new VmmError('invalid_input', `"${text}" is no port forward: ${why}.`, {
    hint: 'Give [address:]host:guest[/udp], such as 8080:80, 127.0.0.1:8080:80 or 5353:53/udp',
  });
}

function port(text: string, whole: string): number {
  const number = Number(text);
  if (number < 1 || number > 65_535) throw bad(whole, `${text} is no port from 1 to 65535`);
  return number;
}

/** `[bind:]host:guest[/tcp|udp]`. Throws invalid_input. */
export function parseForward(text: string): Forward {
  const match = pattern.exec(text.trim());
  if (match === null) throw bad(text, 'it needs a host port and a guest port');
  const [, bind, host = '', guest = '', protocol] = match;
  if (bind?.split('.').some((part) => Number(part) > 255)) throw bad(text, `${bind} is no IPv4 address`);
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    bind: bind ?? '0.0.0.0',
    hostPort: port(host, text),
    guestPort: port(guest, text),
  };
}

/** What `port-forward remove` names: `[bind:]host[:guest][/udp]`. No bind means every one. Throws invalid_input. */
export function parseForwardKey(text: string): Pick<Forward, 'protocol' | 'hostPort'> & { readonly bind?: string } {
  const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5})(?::\d{1,5})?(?:\/(tcp|udp))?$/.exec(text.trim());
  if (match === null) throw bad(text, 'it needs at least the host port');
  const [, bind, host = '', protocol] = match;
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    hostPort: port(host, text),
    ...(bind === undefined ? {} : { bind }),
  };
}

/** As `list` shows it: `8080->80`, `127.0.0.1:53->53/udp`. */
export function formatForward(forward: Forward): string {
  const bind = forward.bind === '0.0.0.0' ? '' : `${forward.bind}:`;
  return `${bind}${forward.hostPort}->${forward.guestPort}${forward.protocol === 'udp' ? '/udp' : ''}`;
}
