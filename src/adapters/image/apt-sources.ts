/** The distribution's own package sources, as the host has them, in deb822 form (sources.list(5)). */

export interface Release {
  readonly id: string;
  readonly codename: string;
}

/** os-release(5). Undefined when it is neither Debian nor Ubuntu (nor says whose relative it is). */
export function releaseOf(osRelease: string): Release | undefined {
  const value = (key: string) => new RegExp(`^${key}=(["']?)(.*)\\1$`, 'm').exec(osRelease)?.[2] ?? '';
  const ids = [value('ID'), ...value('ID_LIKE').split(' ')];
  if (ids.includes('ubuntu')) return { id: 'ubuntu', codename: value('UBUNTU_CODENAME') || value('VERSION_CODENAME') };
  if (ids.includes('debian')) return { id: 'debian', codename: value('DEBIAN_CODENAME') || value('VERSION_CODENAME') };
  return undefined;
}

interface Source {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

/** Sources of the distribution itself among the host's files, other vendors' left out; the public archive when there is none. */
export function distributionSources(
  release: Release,
  files: readonly { readonly name: string; readonly text: string }[],
): string {
  const all = files.flatMap(({ name, text }) => (name.endsWith('.sources') ? deb822Sources(text) : lineSources(text)));
  const own = all.flatMap((source) => ownPart(release, source));
  return (own.length > 0 ? own : publicSources(release)).map(stanza).join('\n');
}

function ownPart(release: Release, source: Source): Source[] {
  const wanted = ['', '-updates', '-security'].map((ending) => release.codename + ending);
  const suites = source.suites.filter((suite) => wanted.includes(suite));
  const uris = source.uris.filter((uri) => /^https?:/.test(uri));
  const vendors = source.signedBy !== undefined && !/\/(debian|ubuntu)-archive[^/]*$/.test(source.signedBy);
  if (vendors || suites.length === 0 || uris.length === 0 || !source.components.includes('main')) return [];
  return [{ ...source, suites, uris }];
}

function publicSources({ id, codename }: Release): Source[] {
  if (id === 'ubuntu') {
    const base = { components: ['main', 'universe'], signedBy: '/usr/share/keyrings/ubuntu-archive-keyring.gpg' };
    return [
      { ...base, uris: ['http://archive.ubuntu.com/ubuntu'], suites: [codename, `${codename}-updates`] },
      { ...base, uris: ['http://security.ubuntu.com/ubuntu'], suites: [`${codename}-security`] },
    ];
  }
  const base = { components: ['main'], signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg' };
  return [
    { ...base, uris: ['http://deb.debian.org/debian'], suites: [codename, `${codename}-updates`] },
    { ...base, uris: ['http://deb.debian.org/debian-security'], suites: [`${codename}-security`] },
  ];
}

function stanza({ uris, suites, components, signedBy }: Source): string {
  const lines = [
    'Types: deb',
    `URIs: ${uris.join(' ')}`,
    `Suites: ${suites.join(' ')}`,
    `Components: ${components.join(' ')}`,
  ];
  return `${[...lines, ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`])].join('\n')}\n`;
}

function deb822Sources(text: string): Source[] {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string) => new RegExp(`^${name}:[ \t]*(.*)$`, 'im').exec(paragraph)?.[1]?.trim();
    const words = (name: string) => field(name)?.split(/\s+/) ?? [];
    if (!words('Types').includes('deb') || field('Enabled')?.toLowerCase() === 'no') return [];
    // A key that stands in the field itself (its first line is then empty) is some vendor's.
    const signedBy = field('Signed-By');
    return [
      {
        uris: words('URIs'),
        suites: words('Suites'),
        components: words('Components'),
        signedBy: signedBy === undefined ? undefined : signedBy || 'inline',
      },
    ];
  });
}

function lineSources(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    return [{ uris: [uri], suites: [suite], components: components.trim().split(/\s+/), signedBy }];
  });
}
