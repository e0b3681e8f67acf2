import type { ServiceSpec, Spec } from '../../../src/api/external-backend.ts';
import { publishedByService, readyByService, type ByService } from '../published.ts';
import { servicesOf, type Scene } from '../scene.ts';
import { departureOf, type By } from './departures.ts';
import type { CreateRule } from './rule.ts';

type Policy = ServiceSpec['whenNoneReady'];

/**
 * A Service with `KeepLast` or `All` that publishes addresses is never empty, except when a person, a name or a role takes all
 * of them. With `KeepLast` it publishes no address that was not published before, and is not ready. In the end a Service
 * with `All` publishes all addresses that it is asked for, if all of them are down.
 */
export const keepsWhenNoneReady: CreateRule = (scene, fault) => {
  let before: ByService = new Map();
  return {
    written: ({ before: old, after, by }) => {
      if ((after ?? old)?.kind !== 'EndpointSlice') return;
      const published = publishedByService(scene.cluster);
      if (by !== undefined)
        for (const [service, was] of before) {
          const text = faultIn(scene, by, service, { was, is: published.get(service) ?? new Set() });
          if (text !== undefined) fault(`${by.replica.identity} ${text}`);
        }
      before = published;
    },
    ends: () => {
      const published = publishedByService(scene.cluster);
      for (const backend of scene.backends)
        for (const text of missing(scene, backend, published)) fault(text);
    },
  };
};

interface Published {
  readonly was: ReadonlySet<string>;
  readonly is: ReadonlySet<string>;
}

function faultIn(scene: Scene, by: By, service: string, { was, is }: Published): string | undefined {
  const policies = policiesSince(scene, service, scene.windowFrom(by.sentAt));
  if (was.size === 0 || policies.length === 0 || policies.includes('Empty')) return undefined;
  if (is.size === 0) {
    const lost = [...was].filter((ip) =>
      ['down', 'standby', 'window', 'none'].includes(departureOf(scene, by, { service, ip })),
    );
    return lost.length === 0 ? undefined : `left nothing behind ${service}, which had ${lost.join(' ')}`;
  }
  if (policies.includes('All')) return undefined;
  const ready = readyByService(scene.cluster).get(service);
  const added = [...is].find((ip) => !was.has(ip) && ready?.has(ip) !== true);
  return added === undefined ? undefined : `added ${added}, which is not ready, to ${service}`;
}

function policiesSince(scene: Scene, service: string, from: number): readonly Policy[] {
  const backend = scene.holderOf(service);
  if (backend === undefined) return [];
  return scene.specsSince(backend, from).map((spec) => policyIn(backend, spec, service));
}

const policyIn = (backend: string, spec: Spec | undefined, service: string): Policy =>
  servicesOf(backend, spec).find(({ name }) => name === service)?.whenNoneReady ?? 'Empty';

function missing(scene: Scene, backend: string, published: ByService): readonly string[] {
  const spec = scene.specOf(backend);
  if (spec === undefined) return [];
  return servicesOf(backend, spec).flatMap((service) => {
    if (service.whenNoneReady !== 'All' || service.role !== 'Any') return [];
    const needOf = scene.needs(backend, service, spec);
    const down = [...scene.targets.hosts.keys()].filter(
      (ip) => needOf(ip).why === 'dead' && needOf(ip).isKept,
    );
    const lost = down.filter((ip) => published.get(service.name)?.has(ip) !== true);
    return lost.length === 0 ? [] : [`${service.name} does not publish ${lost.join(' ')}`];
  });
}
