import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Endpoints, Service } from '../../src/core/objects.ts';
import { parseBackend } from '../../src/api/parse.ts';
import { aStoredBackend, namespace, type SpecInput } from '../support/builders.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';

const name = 'orders-db';
const some = <T>(value: T) => fc.option(fc.constant(value), { nil: undefined, freq: 2 });
const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(undefined, ...values);

/** Without the fields that are undefined. */
const given = (fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const target = fc
  .record({
    host: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', 'fd00::1', 'fd00::2'),
    port: oneOf(7000, 7001),
    name: oneOf('a', 'b'),
    zone: oneOf('z1', 'z2'),
    drain: some(true),
  })
  .map(given);

const port = fc
  .record({
    name: oneOf('a', 'b'),
    port: fc.constantFrom(5432, 6432),
    targetPort: oneOf(5432, 5433),
    protocol: oneOf('TCP', 'UDP'),
    appProtocol: oneOf('postgresql', 'http'),
    nodePort: oneOf(30_001, 30_002),
  })
  .map(given);

const service = fc
  .record({
    name: fc.constant(name),
    type: oneOf('NodePort', 'LoadBalancer', 'ClusterIP'),
    headless: some(true),
    labels: oneOf({ a: '1' }, { a: '2', b: '1' }),
    annotations: oneOf({ note: 'x' }, { note: 'y', other: 'x' }),
    clusterIP: oneOf('10.96.0.50', '10.96.0.51'),
    ipFamilies: oneOf(['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']),
    ipFamilyPolicy: oneOf('SingleStack', 'PreferDualStack', 'RequireDualStack'),
    sessionAffinity: oneOf('ClientIP', 'None'),
    sessionAffinityConfig: oneOf({ clientIP: { timeoutSeconds: 60 } }, { clientIP: {} }),
    internalTrafficPolicy: oneOf('Local', 'Cluster'),
    externalTrafficPolicy: oneOf('Local', 'Cluster'),
    trafficDistribution: oneOf('PreferClose'),
    externalIPs: oneOf(['198.51.100.7'], ['198.51.100.8', '198.51.100.9']),
    loadBalancerClass: oneOf('example.com/a', 'example.com/b'),
    loadBalancerSourceRanges: oneOf(['198.51.100.0/24'], ['192.0.2.0/24']),
    publishNotReadyAddresses: some(true),
    selector: oneOf({ app: 'x' }, { app: 'y', tier: 'z' }),
  })
  .map(given);

type Drawn = Readonly<Record<string, unknown>> & {
  readonly services: readonly [Readonly<Record<string, unknown>>];
  readonly targets: readonly { readonly host: string }[];
};

/** Leaves out what the schema refuses, field by field: so that most of what is drawn is tried. */
function accepted(spec: SpecInput): Drawn | undefined {
  let [service] = spec['services'] as readonly [Readonly<Record<string, unknown>>];
  let ports = spec['ports'] as readonly Readonly<Record<string, unknown>>[];
  for (let i = 0; i < 12; i += 1) {
    const whole = { ...spec, ports, services: [service] };
    const parsed = parseBackend(aStoredBackend(whole));
    if (parsed.ok) return whole as unknown as Drawn;
    const [problem] = parsed.problems;
    const field = problem?.path.split('.').at(-1) ?? '';
    if (/nodePort/.test(`${problem?.path} ${problem?.message}`))
      ports = ports.map(({ nodePort: _, ...rest }) => rest);
    else if (field in service) {
      const { [field]: _, ...rest } = service;
      service = rest;
    } else return undefined;
  }
  return undefined;
}

const backend = fc
  .record({
    targets: fc.uniqueArray(target, { minLength: 1, maxLength: 5, selector: (each) => each['host'] }),
    ports: fc.uniqueArray(port, {
      minLength: 1,
      maxLength: 2,
      selector: (each) => `${String(each['port'])} ${String(each['name'])}`,
    }),
    services: fc.tuple(service),
    probe: fc.constant({ disabled: {} }),
  })
  .map((spec) => accepted(spec as unknown as SpecInput))
  .filter((spec): spec is Drawn => spec !== undefined);

const alias = fc.constantFrom('db1.example.com', 'db2.example.com').map(
  (host) =>
    ({
      mode: 'ExternalName',
      targets: [{ host }],
      services: [{ name }],
      probe: { disabled: {} },
    }) as unknown as Drawn,
);
const spec = fc.oneof({ weight: 9, arbitrary: backend }, { weight: 1, arbitrary: alias });

/** Without effect on an alias; the server leaves the default of the former type. */
function effective({ internalTrafficPolicy, ...fields }: Service['spec']): object {
  return fields.type === 'ExternalName' ? fields : { ...fields, internalTrafficPolicy };
}

/** What the server chose and keeps is compared as there or not: addresses, ports, and the families that the spec leaves to it. */
function essence(world: ReconcileWorld): unknown {
  const found = world.cluster.service(namespace, name);
  const {
    clusterIP,
    clusterIPs,
    ports = [],
    healthCheckNodePort,
    ...fields
  } = (found?.spec ?? {}) as Service['spec'] & {
    readonly healthCheckNodePort?: number;
  };
  const allocated = (ip: string | undefined) => (ip === undefined || ip === 'None' ? ip : 'an address');
  const { 'externalbackend.io/applied': _, ...annotations } = found?.metadata.annotations ?? {};
  const slices = world.cluster.slices(namespace, name);
  const { subsets = [] } = (world.cluster.endpoints(namespace, name) ?? {}) as Partial<Endpoints>;
  return {
    fields: effective(fields),
    clusterIP: allocated(clusterIP),
    clusterIPs: clusterIPs?.map(allocated),
    hasCheckPort: healthCheckNodePort !== undefined,
    ports: ports
      .map(({ nodePort, ...each }) => ({ ...each, hasNodePort: nodePort !== undefined }))
      .toSorted(byText),
    labels: found?.metadata.labels,
    annotations,
    owners: found?.metadata.ownerReferences,
    endpoints: slices
      .flatMap(({ addressType, ports: list, endpoints }) =>
        (endpoints ?? []).map((each) => [addressType, list, each]),
      )
      .toSorted(byText),
    labelsOfSlices: [...new Set(slices.map(({ metadata }) => JSON.stringify(entriesOf(metadata.labels))))],
    subsets: subsets.toSorted(byText),
  };
}

const entriesOf = (labels: Readonly<Record<string, string>> = {}) => Object.entries(labels).toSorted(byText);

const byText = (a: unknown, b: unknown): number => canonical(a).localeCompare(canonical(b));

/** The same text whatever the order of the fields. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : field,
  );

/** Families that nobody asks for are the server's choice, and the first one stays as the cluster IP does. */
function keepsFamily(before: Drawn, after: Drawn): boolean {
  const [was, is] = [before.services[0], after.services[0]];
  if (is['ipFamilies'] !== undefined || after['mode'] === 'ExternalName') return false;
  if (is['headless'] === true && is['selector'] === undefined)
    return is['ipFamilyPolicy'] === 'SingleStack' && was['headless'] === true;
  return (was['ipFamilies'] as readonly string[] | undefined)?.[0] === 'IPv6' || was['headless'] === true;
}

async function settle(world: ReconcileWorld, spec: SpecInput, generation: number): Promise<void> {
  world.store(spec, { generation });
  for (let i = 0; i < 6; i += 1) {
    await world.clock.advance(10_000);
    await world.run();
  }
}

const readyOf = (world: ReconcileWorld): readonly string[] =>
  world.published().filter((each) => each.startsWith('+'));

it('any spec over any other ends as it is made afresh, is quiet then, and takes no address away that both have', async () => {
  await fc.assert(
    fc.asyncProperty(spec, spec, fc.constantFrom(1, 2, 100), async (first, second, maxEndpointsPerSlice) => {
      fc.pre(!keepsFamily(first, second));
      const [world, fresh] = [1, 2].map(() => new ReconcileWorld({ maxEndpointsPerSlice }));
      if (world === undefined || fresh === undefined) return;
      for (const { cluster } of [world, fresh]) cluster.families = ['IPv4', 'IPv6'];
      await settle(world, first, 1);
      expect(world.ready()).toBe('True Published');
      const before = readyOf(world);
      const moments: (readonly string[])[] = [];
      world.cluster.onWrite = () => void moments.push(readyOf(world));
      await settle(world, second, 2);
      const after = readyOf(world);
      const kept = before.filter((address) => after.includes(address));
      for (const moment of moments) expect(moment).toEqual(expect.arrayContaining(kept));
      expect((await world.run()).writes).toEqual([]);
      await settle(fresh, second, 2);
      expect([world.ready(), fresh.ready()]).toEqual(['True Published', 'True Published']);
      expect(essence(world)).toEqual(essence(fresh));
    }),
    { numRuns: Number(process.env['RUNS'] ?? 100) },
  );
}, 600_000);
