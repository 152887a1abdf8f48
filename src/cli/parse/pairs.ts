import { VmmError } from '../../contract/errors.ts';

/** `name=value` options as a record. Throws invalid_input. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) {
      throw new VmmError('invalid_input', `"${text}" is no label.`, { hint: 'Give name=value: --label team=web' });
    }
    labels[text.slice(0, at)] = text.slice(at + 1);
  }
  return labels;
}

/** `-e NAME=value`, or `-e NAME` to hand on the caller's own value, as Docker has it. Throws invalid_input. */
export function parseEnv(texts: readonly string[], callerEnv: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = {};
  for (const text of texts) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([\s\S]*))?$/.exec(text) ?? [];
    if (name === undefined) {
      throw new VmmError('invalid_input', `"${text}" is no environment variable.`, {
        hint: 'Give NAME=value, or NAME alone for the value it has here: -e DEBUG=1',
      });
    }
    const resolved = value ?? callerEnv[name];
    if (resolved !== undefined) env[name] = resolved;
  }
  return env;
}
