import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VmmError } from '../../contract/errors.ts';
import { defaultRouteInterface } from '../commands/config.ts';
import { daemonSettings, mergeConfig } from './effective.ts';
import { readConfig, userConfigPath, writeConfig } from './file.ts';
import { checkConfig, parseConfigValue, setConfigValue, type UserConfig } from './keys.ts';
import { expandHome, findOwner, type Owner } from './owner.ts';

const owner: Owner = { home: '/home/me', sudo: undefined };
const merge = (layers: { env?: NodeJS.ProcessEnv; host?: UserConfig; user?: UserConfig }) =>
  mergeConfig({ env: {}, host: {}, user: {}, owner, userPath: '/p', ...layers });

function failsWith(code: string, pattern: RegExp, work: () => unknown): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(error instanceof VmmError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  });
}

describe('which settings win', () => {
  it('are those built in when no file says more', () => {
    const settings = daemonSettings(merge({}));
    assert.deepEqual(settings, {
      data_dir: '/var/lib/vmm',
      bridge_name: 'vmm-br0',
      subnet: '172.16.0.0/16',
      host_interface: '',
      engine: 'auto',
    });
  });

  it("are the host's for data directory, bridge and subnet", () => {
    const host = { data_dir: '/srv/vmm', bridge_name: 'br-h', subnet: '10.1.0.0/16' };
    const user = { data_dir: '/home/me/vmm', bridge_name: 'br-u', subnet: '10.2.0.0/16' };
    const found = merge({ host, user });
    assert.deepEqual([found.data_dir, found.bridge_name, found.subnet], ['/srv/vmm', 'br-h', '10.1.0.0/16']);
    assert.equal(found.sources.subnet, 'host');
  });

  it("are the user's where the host has no say, and in all else", () => {
    const host = { engine: 'qemu', host_interface: 'eth0', vm_defaults: { cpus: 1, memory: 256 } } as const;
    const user = {
      engine: 'firecracker',
      host_interface: 'wlan0',
      data_dir: '/d',
      vm_defaults: { memory: 1024 },
    } as const;
    const found = merge({ host, user });
    assert.deepEqual([found.engine, found.host_interface, found.data_dir], ['firecracker', 'wlan0', '/d']);
    assert.deepEqual(found.vm_defaults, { cpus: 1, memory: 1024 });
    assert.deepEqual([found.sources['vm_defaults.cpus'], found.sources['vm_defaults.memory']], ['host', 'user']);
  });

  it('is VMM_DATA_DIR before all others', () => {
    const found = merge({ env: { VMM_DATA_DIR: '/tmp/x' }, host: { data_dir: '/srv' }, user: { data_dir: '/home' } });
    assert.deepEqual([found.data_dir, found.sources.data_dir], ['/tmp/x', 'environment']);
  });

  it('is no empty VMM_DATA_DIR', () => {
    assert.equal(merge({ env: { VMM_DATA_DIR: '' }, host: { data_dir: '/srv' } }).data_dir, '/srv');
  });
});

describe('the keys of the file', () => {
  it('are refused when nobody knows them', () =>
    failsWith('invalid_config', /no key colour/, () => checkConfig({ colour: 1 }, 'f')));
  for (const bad of [
    [],
    'text',
    null,
    { subnet: 'here' },
    { bridge_name: 'a bridge' },
    { data_dir: 'relative' },
    { engine: 'xen' },
    { vm_defaults: { cpus: 0 } },
    { vm_defaults: { cpus: '2' } },
    { vm_defaults: { dns: '1.1.1.1' } },
    { vm_defaults: { colour: 1 } },
    { vm_defaults: 1 },
  ]) {
    it(`cannot be ${JSON.stringify(bad)}`, () => failsWith('invalid_config', /^f: /, () => checkConfig(bad, 'f')));
  }

  it('are set one by one, also inside vm_defaults', () => {
    const one = setConfigValue({}, 'engine', parseConfigValue('engine', 'qemu'));
    const two = setConfigValue(one, 'vm_defaults.cpus', parseConfigValue('vm_defaults.cpus', '4'));
    const three = setConfigValue(two, 'vm_defaults.dns', parseConfigValue('vm_defaults.dns', '9.9.9.9, ::1'));
    assert.deepEqual(three, { engine: 'qemu', vm_defaults: { cpus: 4, dns: ['9.9.9.9', '::1'] } });
  });

  it('are not set to what the file could not hold', () => {
    failsWith('invalid_config', /engine cannot be "xen"/, () => parseConfigValue('engine', 'xen'));
    failsWith('invalid_config', /cpus cannot be/, () => parseConfigValue('vm_defaults.cpus', 'two'));
    for (const subnet of ['10.0.0.0', '300.1.1.0/24', '10.0.0.0/31', '10.0.0.0/7']) {
      failsWith('invalid_config', /subnet cannot be/, () => parseConfigValue('subnet', subnet));
    }
    assert.equal(parseConfigValue('subnet', '192.168.250.0/24'), '192.168.250.0/24');
    failsWith('invalid_input', /no configuration key nope/, () => parseConfigValue('nope', '1'));
  });
});

describe('whose configuration it is', () => {
  const isRoot = process.geteuid?.() === 0;
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'vmm-config-'));
    chmodSync(home, 0o755);
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('is that of HOME without sudo', () => {
    assert.deepEqual(findOwner({ HOME: '/home/me' }), { home: '/home/me', sudo: undefined });
  });

  it('is that of the original user under sudo', { skip: !isRoot && 'sudo is believed only by root' }, () => {
    const passwd = join(home, 'passwd');
    writeFileSync(passwd, 'root:x:0:0::/root:/bin/sh\nme:x:1234:1235::/home/elsewhere:/bin/sh\n');
    const env = { HOME: '/root', SUDO_USER: 'me', SUDO_UID: '1234', SUDO_GID: '1235' };
    assert.deepEqual(findOwner(env, passwd), { home: '/home/elsewhere', sudo: { uid: 1234, gid: 1235 } });
  });

  it('is written whole and read back', () => {
    const path = userConfigPath({ home, sudo: undefined });
    writeConfig(path, { engine: 'qemu' }, { home, sudo: undefined });
    assert.deepEqual(readConfig(path), { engine: 'qemu' });
    assert.equal(path, join(home, '.config/vmm/config.json'));
  });

  it('belongs to the original user under sudo', { skip: !isRoot && 'only root can give files away' }, () => {
    const me: Owner = { home: join(home, 'me'), sudo: { uid: 1234, gid: 1235 } };
    mkdirSync(me.home);
    chmodSync(me.home, 0o777);
    const path = userConfigPath(me);
    writeConfig(path, { engine: 'qemu' }, me);
    const { uid, gid } = statSync(path);
    assert.deepEqual([uid, gid, process.geteuid?.(), process.getegid?.()], [1234, 1235, 0, 0]);
  });

  it('is not written through a link into what the user may not write', {
    skip: !isRoot && 'root may write all',
  }, () => {
    const me: Owner = { home, sudo: { uid: 1234, gid: 1235 } };
    const roots = join(home, 'roots');
    mkdirSync(roots, { mode: 0o700 });
    symlinkSync(roots, join(home, '.config'));
    failsWith('invalid_config', /cannot be written/, () => writeConfig(userConfigPath(me), {}, me));
  });

  it('is none when there is no file, and an error when the file is no JSON', () => {
    assert.equal(readConfig(join(home, 'none.json')), undefined);
    writeFileSync(join(home, 'bad.json'), '{');
    failsWith('invalid_config', /is no JSON/, () => readConfig(join(home, 'bad.json')));
    assert.equal(readFileSync(join(home, 'bad.json'), 'utf8'), '{');
  });

  it('expands ~ with the home of who typed it', () => {
    assert.deepEqual(
      ['~', '~/k.pub', '/~/x', 'a~'].map((path) => expandHome(path, owner)),
      ['/home/me', '/home/me/k.pub', '/~/x', 'a~'],
    );
  });
});

describe('the interface that leads out', () => {
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT';
  it('is that of the default route with the lowest metric', () => {
    const rows = [
      'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
      'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    ];
    assert.equal(defaultRouteInterface([head, ...rows, ''].join('\n')), 'eth0');
  });
  it('is none without a default route', () => assert.equal(defaultRouteInterface(`${head}\n`), ''));
});
