import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { before, describe, it } from 'node:test';
import { type Command, CommanderError } from 'commander';
import { operations } from '../contract/operations.ts';
import type { Cli } from './cli.ts';
import { type Candidates, complete } from './completion/complete.ts';
import { nouns } from './nouns.ts';
import { createProgram, typedNoun, usageError } from './program.ts';
import { type WalkedCommand, walkCommands } from './walk-commands.ts';

/** Enough of a Cli to make the tree: no command runs here. */
function treeCli(): Cli {
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  // Only stdout and stderr are touched before a command runs.
  return { stdout: sink, stderr: sink, options: {} } as unknown as Cli;
}

describe('the tree of commands', () => {
  let program: Command;
  let walked: WalkedCommand[];
  before(async () => {
    program = await createProgram(treeCli(), nouns);
    walked = walkCommands(program);
  });

  for (const [id, { cli: words }] of Object.entries(operations)) {
    if (words === null) continue;
    it(`reaches ${id} by "vmm ${words}"`, () => {
      assert.ok(walked.some((found) => found.words === words));
    });
  }

  it('gives every command --json, --debug, --progress and examples', () => {
    for (const { words, command } of walked) {
      const long = command.options.map((option) => option.long);
      for (const name of ['--json', '--debug', '--progress']) assert.ok(long.includes(name), `${words} ${name}`);
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      assert.match(help, /Examples:\n {2}\$ /, words);
    }
  });

  it('says the same of a command before and after its file is loaded', () => {
    for (const { name, summary } of nouns) {
      assert.equal(program.commands.find((command) => command.name() === name)?.description(), summary);
    }
  });

  it('has the options of the guide for create', () => {
    const create = walked.find(({ words }) => words === 'create')?.command;
    const long = create?.options.map((option) => option.long) ?? [];
    for (const name of ['--cpus', '--memory', '--disk', '--ssh-key', '--dns', '--image', '--mount', '--no-autostart']) {
      assert.ok(long.includes(name), name);
    }
  });
});

describe('a mistyped command', () => {
  async function mistake(...args: string[]) {
    const noun = typedNoun(args);
    const program = await createProgram(treeCli(), noun === undefined ? [] : [noun]);
    const thrown = await program.parseAsync(args, { from: 'user' }).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof CommanderError, String(thrown));
    return usageError(thrown, args, program);
  }

  it('is named, with the one that was meant', async () => {
    const error = await mistake('strat', 'web1');
    assert.equal(error?.message, "Unknown command 'strat'.");
    assert.match(error?.hint ?? '', /start/);
  });
  it('is named with the help to read when an argument is missing', async () => {
    const error = await mistake('create');
    assert.deepEqual([error?.code, error?.hint], ['invalid_input', 'See: vmm create --help']);
  });
  it('is named with the help of the very command when that is one of several', async () => {
    const error = await mistake('mount', 'sync', 'web1');
    assert.deepEqual([error?.message, error?.hint], ["Missing required argument 'tag'.", 'See: vmm mount sync --help']);
  });
  it('is refused when an option is unknown', async () => {
    assert.match((await mistake('list', '--al'))?.message ?? '', /Unknown option '--al'/i);
  });
  it('is refused when a word is too much', async () => {
    assert.match((await mistake('inspect', 'a', 'b'))?.message ?? '', /too many arguments/i);
  });
  it('is refused when a choice does not exist', async () => {
    assert.match((await mistake('create', 'a', '--engine', 'xen'))?.message ?? '', /invalid.*[^.]\.$/i);
  });
  it('is none when help was asked for', async () => {
    assert.equal(await mistake('create', '--help'), undefined);
  });
});

describe('completion', () => {
  const names = {
    vms: ['web1', 'web2', 'db'],
    images: ['debian', 'tiny'],
    tags: (vm: string | undefined) => (vm === 'web1' ? ['code', 'data'] : []),
  };
  const after = async (...words: string[]): Promise<Candidates> => await complete(treeCli(), words, names);
  const words = async (...typed: string[]) => (await after(...typed)).words;

  it('offers commands', async () => assert.deepEqual(await words('sta'), ['start']));
  it('offers subcommands', async () => assert.deepEqual(await words('mount', 'p'), ['pull']));
  it('offers VMs', async () => assert.deepEqual(await words('ssh', 'w'), ['web1', 'web2']));
  it('offers VMs not named yet', async () => assert.deepEqual(await words('stop', 'web1', ''), ['web2', 'db']));
  it('offers VMs beside subcommands', async () => {
    assert.deepEqual(await words('port-forward', ''), ['add', 'list', 'remove', 'web1', 'web2', 'db']);
  });
  it('offers VMs after an option with a value', async () => {
    assert.deepEqual(await words('start', '--timeout', '5', 'd'), ['db']);
  });
  it('offers no VM for the name of a new one', async () => assert.deepEqual(await words('create', ''), []));
  it('offers images for run, --image and image delete', async () => {
    assert.deepEqual(await words('run', 'd'), ['debian']);
    assert.deepEqual(await words('create', 'x', '--image', ''), ['debian', 'tiny']);
    assert.deepEqual(await words('image', 'delete', 't'), ['tiny']);
  });
  it('offers the tags of the VM', async () =>
    assert.deepEqual(await words('mount', 'sync', 'web1', ''), ['code', 'data']));
  it('offers options', async () => assert.deepEqual(await words('create', 'x', '--me'), ['--memory']));
  it('offers the choices of an option', async () => {
    assert.deepEqual(await words('wait', 'web1', '--for', ''), ['ready', 'stopped']);
    assert.deepEqual(await words('completion', 'z'), ['zsh']);
  });
  it('leaves file names to the shell', async () => {
    assert.deepEqual(await after('create', 'x', '--ssh-key', ''), { words: [], files: true });
    assert.deepEqual(await after('cp', 'd'), { words: ['db:'], files: true });
    assert.deepEqual(await after('exec', 'web1', '--', 'l'), { words: [], files: true });
  });
});
