/** Writes docs/reference from the contract and the command line. With --check it only compares, and fails on a difference. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCli } from '../src/cli/create-cli.ts';
import { nouns } from '../src/cli/nouns.ts';
import { createProgram } from '../src/cli/program.ts';
import { walkCommands } from '../src/cli/walk-commands.ts';
import { errorCatalogue, exitCodes } from '../src/contract/errors.ts';
import { operations } from '../src/contract/operations.ts';

const directory = join(import.meta.dirname, '../docs/reference');
const made = 'Made from the code by `npm run gen`; edit that instead.';

async function commandReference(): Promise<string> {
  await using session = createCli(process, { version: '', daemonCommand: () => [] });
  const program = await createProgram(session.cli, nouns);
  const all = Object.values(operations);
  const byWords = new Map<string | null, (typeof all)[number]>(all.map((operation) => [operation.cli, operation]));
  const sections = walkCommands(program).map(({ words, command }) => {
    const help: string[] = [];
    command.configureOutput({ writeOut: (text) => void help.push(text), getOutHelpWidth: () => 100 });
    command.outputHelp();
    const errors = byWords.get(words)?.errors ?? [];
    const links = errors.map((code) => `[${code}](errors.md#${code})`).join(', ');
    const may = errors.length === 0 ? '' : `\nErrors of its own: ${links}\n`;
    return `## vmm ${words}\n\n\`\`\`text\n${help.join('').trim()}\n\`\`\`\n${may}`;
  });
  return `# Commands\n\n${made}\n\n${exitCodeText}\n${sections.join('\n')}`;
}

const exitCodeText = `Every command has \`--json\`, \`--help\` and \`--debug\`. Results go to stdout; progress, notes and errors to stderr.
Exit codes stand in [errors.md](errors.md); \`ssh\`, \`exec\` and \`run\` pass on that of the guest's command.
`;

function errorReference(): string {
  const codes = Object.entries(exitCodes).map(([kind, code]) => `| ${code} | ${kind} |`);
  const sections = Object.entries(errorCatalogue).map(([code, entry]) => {
    const from = Object.values(operations).flatMap(({ errors, cli }) =>
      cli !== null && errors.some((own) => own === code) ? [`\`vmm ${cli}\``] : [],
    );
    const lines = [
      `## ${code}`,
      '',
      entry.meaning,
      '',
      `Exit code ${exitCodes[entry.exit]}, HTTP status ${entry.status}.${entry.retryable ? ' The same may succeed later.' : ''}`,
      ...(from.length === 0 ? [] : ['', `From ${from.join(', ')}.`]),
    ];
    return `${lines.join('\n')}\n`;
  });
  return `# Errors

${made}

An error is printed to stderr as \`Error:\` with what happened and \`Hint:\` with what to type next; with \`--json\` as one
line \`{"error": {"code", "message", "hint", "detail", "retryable"}}\`.

## Exit codes

| code | kind |
|---|---|
| 0 | success |
${codes.join('\n')}

${sections.join('\n')}`;
}

function stored(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not made yet: that differs too.
    return '';
  }
}

const files = { 'commands.md': await commandReference(), 'errors.md': errorReference() };
const differing = Object.entries(files).filter(([name, text]) => stored(join(directory, name)) !== text);
if (process.argv.includes('--check')) {
  for (const [name] of differing) console.error(`docs/reference/${name} is not what the code says; run: npm run gen`);
  process.exitCode = differing.length > 0 ? 1 : 0;
} else {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of differing) writeFileSync(join(directory, name), text);
}
