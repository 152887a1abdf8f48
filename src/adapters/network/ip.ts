import { z } from 'zod';
import type { CommandRunner } from '../../ports/command-runner.ts';
import { networkFailure } from './failure.ts';

const linkSchema = z.object({
  ifname: z.string(),
  flags: z.array(z.string()).default([]),
  mtu: z.number(),
  address: z.string().optional(),
  group: z.string().optional(),
  linkinfo: z
    .object({
      info_kind: z.string().optional(),
      info_data: z.object({ stp_state: z.number().optional() }).optional(),
      info_slave_data: z.object({ hairpin: z.boolean().optional() }).optional(),
    })
    .optional(),
  addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.number() })).default([]),
});
export type Link = z.infer<typeof linkSchema>;

const routeSchema = z.object({
  type: z.string().default('unicast'),
  dst: z.string(),
  dev: z.string().optional(),
  nexthops: z.array(z.object({ dev: z.string().optional() })).default([]),
});
export type Route = z.infer<typeof routeSchema>;

/** iproute2. What it reads is parsed here and nowhere else. */
export interface Ip {
  /** The interface with its details and addresses; undefined when there is none. */
  link(name: string, signal: AbortSignal): Promise<Link | undefined>;
  /** All interfaces with their IPv4 addresses. */
  addresses(signal: AbortSignal): Promise<readonly Link[]>;
  /** All interfaces, without details. */
  links(signal: AbortSignal): Promise<readonly Link[]>;
  /** The ports of a bridge. */
  ports(bridge: string, signal: AbortSignal): Promise<readonly Link[]>;
  /** IPv4 routes of every table. */
  routes(signal: AbortSignal): Promise<readonly Route[]>;
  /** The IPv4 default route with the lowest metric; undefined when there is none. */
  defaultRoute(signal: AbortSignal): Promise<Route | undefined>;
  /** One change, such as `link set …`. `action` begins the error: "The bridge could not be made". */
  change(action: string, args: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes an interface; one that is gone already is no failure. */
  removeLink(name: string, signal: AbortSignal): Promise<void>;
}

const timeoutMs = 15_000;

export function createIp(runner: CommandRunner): Ip {
  async function read<T>(schema: z.ZodType<T>, args: readonly string[], signal: AbortSignal): Promise<T[]> {
    const action = 'The interfaces of the host could not be read';
    try {
      const { stdout } = await runner.run({ program: 'ip', args: ['-j', ...args], timeoutMs, signal });
      return z.array(schema).parse(JSON.parse(stdout === '' ? '[]' : stdout));
    } catch (thrown) {
      throw networkFailure(action, thrown);
    }
  }

  return {
    async link(name, signal) {
      const args = ['-j', '-d', 'addr', 'show', 'dev', name];
      const { exitCode, stdout, stderr } = await runner
        .run({ program: 'ip', args, okCodes: [0, 1], timeoutMs, signal })
        .catch((thrown: unknown) => {
          throw networkFailure(`The interface ${name} could not be read`, thrown);
        });
      if (exitCode !== 0 && /does not exist|Cannot find device/.test(stderr)) return undefined;
      if (exitCode !== 0) throw networkFailure(`The interface ${name} could not be read`, new Error(stderr.trim()));
      return z.array(linkSchema).parse(JSON.parse(stdout))[0];
    },
    addresses: (signal) => read(linkSchema, ['-4', 'addr', 'show'], signal),
    links: (signal) => read(linkSchema, ['link', 'show'], signal),
    ports: (bridge, signal) => read(linkSchema, ['-d', 'link', 'show', 'master', bridge], signal),
    routes: (signal) => read(routeSchema, ['-4', 'route', 'show', 'table', 'all'], signal),
    async defaultRoute(signal) {
      const routes = await read(routeSchema, ['-4', 'route', 'show', 'default'], signal);
      return routes[0];
    },
    async change(action, args, signal) {
      try {
        await runner.run({ program: 'ip', args, timeoutMs, signal });
      } catch (thrown) {
        throw networkFailure(action, thrown);
      }
    },
    async removeLink(name, signal) {
      const action = `The interface ${name} could not be removed`;
      const args = ['link', 'delete', 'dev', name];
      try {
        const { exitCode, stderr } = await runner.run({ program: 'ip', args, okCodes: [0, 1, 2], timeoutMs, signal });
        if (exitCode !== 0 && !/Cannot find device|does not exist/.test(stderr)) throw new Error(stderr.trim());
      } catch (thrown) {
        throw networkFailure(action, thrown);
      }
    },
  };
}
