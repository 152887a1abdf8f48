import { existsSync, globSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A program that is one test: it passes when it ends with 0. */
export interface CheckStep {
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
}

interface SuiteBase {
  readonly name: string;
  /** The group a person picks it by: check, unit, integration, e2e. */
  readonly group: SuiteGroup;
  /** The whole suite is ended after this time, which counts as a failure. */
  readonly budgetSeconds: number;
}

export interface CheckSuite extends SuiteBase {
  readonly kind: 'check';
  readonly steps: readonly CheckStep[];
}

export interface TestSuite extends SuiteBase {
  readonly kind: 'tests';
  readonly files: readonly string[];
  readonly nodeArgs: readonly string[];
  /** Needs root: runs in namespaces of its own, and what it leaves behind is a failure. */
  readonly asRoot: boolean;
  /** Prints each test as it ends: for suites whose tests take long. */
  readonly verbose: boolean;
}

export type Suite = CheckSuite | TestSuite;
export const suiteGroups = ['check', 'unit', 'integration', 'e2e'] as const;
export type SuiteGroup = (typeof suiteGroups)[number];

const checks: CheckSuite = {
  kind: 'check',
  name: 'check',
  group: 'check',
  budgetSeconds: 180,
  steps: [
    { title: 'types', program: 'node', args: ['--run', 'types'] },
    { title: 'lint and format', program: 'biome', args: ['ci', '--colors=off', '.'] },
    { title: 'layers', program: 'node', args: ['scripts/layers.ts'] },
    { title: 'dead code', program: 'knip', args: [] },
    { title: 'references are generated from the contract', program: 'node', args: ['scripts/gen.ts', '--check'] },
  ],
};

/** Packages are fetched and an image is made on a new machine; later it takes a second. */
const guests: CheckSuite = {
  kind: 'check',
  name: 'guests',
  group: 'integration',
  budgetSeconds: 600,
  steps: [{ title: 'image pull makes kernel and images', program: 'node', args: ['test/support/prepare-guests.ts'] }],
};

function unit(root: string): TestSuite {
  return {
    kind: 'tests',
    name: 'unit',
    group: 'unit',
    budgetSeconds: 180,
    files: globSync(['src/**/*.test.ts', 'test/{support,bench}/*.test.ts'], { cwd: root }).toSorted(),
    nodeArgs: ['--test-isolation=none'],
    asRoot: false,
    verbose: false,
  };
}

/** Each folder of test/integration is a suite. */
function integration(root: string): TestSuite[] {
  const base = join(root, 'test/integration');
  if (!existsSync(base)) return [];
  return readdirSync(base, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
    .map((area) => ({
      kind: 'tests',
      name: `integration/${area}`,
      group: 'integration',
      budgetSeconds: 240,
      files: globSync(`test/integration/${area}/**/*.test.ts`, { cwd: root }).toSorted(),
      nodeArgs: ['--test-concurrency=2'],
      asRoot: true,
      verbose: false,
    }));
}

function e2e(root: string): TestSuite {
  return {
    kind: 'tests',
    name: 'e2e',
    group: 'e2e',
    budgetSeconds: 720,
    files: globSync('test/e2e/*.test.ts', { cwd: root }).toSorted(),
    // Guests under emulation want a core each; two files at a time fill two cores.
    nodeArgs: ['--test-concurrency=2'],
    asRoot: true,
    verbose: true,
  };
}

export function listSuites(root: string, groups: readonly SuiteGroup[]): Suite[] {
  return [checks, unit(root), guests, ...integration(root), e2e(root)].filter((suite) => groups.includes(suite.group));
}
