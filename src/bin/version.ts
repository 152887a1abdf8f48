import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Set by scripts/build.ts; absent when run from the sources. */
declare const VMM_VERSION: string | undefined;

export const version: string = typeof VMM_VERSION === 'string' ? VMM_VERSION : versionOfCheckout();

function versionOfCheckout(): string {
  // Our own file.
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
