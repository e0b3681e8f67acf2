import { z } from 'zod';
import { dnsSchema } from './dns.ts';
import { maxServices } from './limits.ts';
import { maintenanceSchema } from './maintenance.ts';
import { portsSchema } from './port.ts';
import { probeSchema } from './probe.ts';
import { misplacedObject, misplacedText, granularObject, atomicObject } from './object-fields.ts';
import { celOr, listMap, uniqueList } from './rule.ts';
import { credentialsSchema, tlsSchema } from './secrets.ts';
import { serviceSchema } from './service.ts';
import { targetSchema } from './target.ts';

/**
 * CEL expression that is true if host and port are unique. It builds a map by host and port, which must not
 * get a key twice. For 512 targets, `exists_one` is three times too expensive for the API server.
 * `string(port)` is too expensive as well, because the API server does not estimate its length. Therefore the
 * digits are cut out of a text of known length.
 */
const celUniqueTargets = `self.transformMapEntry(i, each, {each.host + ' ' + ${[10000, 1000, 100, 10, 1]
  .map((unit) => `(${celOr('each', 'port', 0)} / ${unit}) % 10`)
  .map((digit) => `'0123456789'.substring(${digit}, ${digit} + 1)`)
  .join(' + ')}: i}).size() == self.size()`;

const notAContainer = (name: string) =>
  misplacedObject(`${name} is a field of containers: write spec.probe, which has the same timing fields`);

/** Fields of a Service or a container that users often write here by mistake. */
const misplaced = {
  type: misplacedText('type is not a field of spec: write services: [{name: ..., type: ...}]'),
  selector: misplacedObject('selector is not a field of spec: write services: [{name: ..., selector: ...}]'),
  clusterIP: misplacedText(
    'clusterIP is not a field of spec: write services: [{name: ..., clusterIP: ...}], or headless: true for None',
  ),
  externalName: misplacedText(
    'externalName is not a field of spec: write mode: ExternalName and targets: [{host: ...}]',
  ),
  readinessProbe: notAContainer('readinessProbe'),
  livenessProbe: notAContainer('livenessProbe'),
};

/** Schema of the spec, without the rules between its fields. */
export const specShape = z
  .object({
    mode: z
      .enum(['Endpoints', 'ExternalName'])
      .default('Endpoints')
      .describe(
        'Endpoints: Services without a selector. The operator publishes the IP addresses in targets, and those that host names in targets resolve to. ExternalName: Services that are a DNS alias (CNAME) of one host name, the first in targets that is healthy. Clients resolve this name, connect to the server directly, and see its certificate.',
      ),
    targets: uniqueList(
      z
        .array(targetSchema)
        .min(1)
        .max(512)
        .describe(
          'The servers, identified by host and port. In mode ExternalName their order is the order of preference. 1 to 512 entries.',
        ),
      'targets',
      ['host', 'port'],
      celUniqueTargets,
    ),
    ports: portsSchema.optional(),
    probe: granularObject(probeSchema),
    services: listMap(
      z
        .array(serviceSchema)
        .min(1)
        .max(maxServices)
        .describe('Services created from this backend. Default: one Service with the name of the resource.'),
      'services',
      ['name'],
    ).optional(),
    credentials: credentialsSchema.optional(),
    tls: atomicObject(tlsSchema),
    dns: atomicObject(dnsSchema),
    failbackSeconds: z
      .int32()
      .min(0)
      .max(86400)
      .default(30)
      .describe(
        'Seconds for which a better choice must have been healthy before it is used again: a tier of a lower targets[].priority, or in mode ExternalName an earlier host in targets. 0 means at once. 0 to 86400.',
      ),
    maintenance: maintenanceSchema.optional(),
    suspend: z
      .boolean()
      .default(false)
      .describe(
        'True stops probing and writing. What is published stays unchanged, except that addresses which the address policy forbids are removed.',
      ),
    observe: z
      .boolean()
      .optional()
      .describe(
        'True probes and reports, and writes no Service, EndpointSlice or Endpoints: to try a backend while another Service of that name is in use. The status, Events and metrics contain what would be published. What this backend has published before stays, but is no longer updated, except that addresses which the address policy forbids are removed. Default: false.',
      ),
    ...misplaced,
  })
  .describe('Desired state.');

export type SpecShape = z.output<typeof specShape>;
