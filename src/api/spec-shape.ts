import { z } from 'zod';
import { dnsSchema } from './dns.ts';
import { mostServices } from './limits.ts';
import { portsSchema } from './port.ts';
import { probeSchema } from './probe.ts';
import { misplacedObject, misplacedText, sharedPart, wholePart } from './part.ts';
import { celOr, listMap, uniqueList } from './rule.ts';
import { credentialsSchema, tlsSchema } from './secrets.ts';
import { serviceSchema } from './service.ts';
import { targetSchema } from './target.ts';

/**
 * A map by host and port, which cannot be built with a key twice. For 512 targets `exists_one` is three times too expensive
 * for the API server, and so is `string(port)`, whose length it does not estimate: hence digits, of a text of known length.
 */
const celUniqueTargets = `self.transformMapEntry(i, each, {each.host + ' ' + ${[10000, 1000, 100, 10, 1]
  .map((unit) => `(${celOr('each', 'port', 0)} / ${unit}) % 10`)
  .map((digit) => `'0123456789'.substring(${digit}, ${digit} + 1)`)
  .join(' + ')}: i}).size() == self.size()`;

const notAContainer = (name: string) =>
  misplacedObject(`${name} is a field of a container: write spec.probe, which has the same numbers`);

/** Fields of a Service and of a container that are written here by habit. */
const misplaced = {
  type: misplacedText('type is no field of the spec: write services: [{name: ..., type: ...}]'),
  selector: misplacedObject('selector is no field of the spec: write services: [{name: ..., selector: ...}]'),
  clusterIP: misplacedText(
    'clusterIP is no field of the spec: write services: [{name: ..., clusterIP: ...}], or headless: true for None',
  ),
  externalName: misplacedText(
    'externalName is no field of the spec: write mode: ExternalName and targets: [{host: ...}]',
  ),
  readinessProbe: notAContainer('readinessProbe'),
  livenessProbe: notAContainer('livenessProbe'),
};

/** The spec without the rules between its fields. */
export const specShape = z
  .object({
    mode: z
      .enum(['Endpoints', 'ExternalName'])
      .default('Endpoints')
      .describe(
        'Endpoints: Services without a selector, whose addresses the operator manages: those of the targets, and those that their names resolve to. ExternalName: Services that are an alias (a DNS CNAME) of one of the host names, the first that is healthy: clients resolve it and connect to the server itself, and see its certificate.',
      ),
    targets: uniqueList(
      z
        .array(targetSchema)
        .min(1)
        .max(512)
        .describe(
          'The servers. Told apart by host and port. In mode ExternalName their order is the order of choice. 1 to 512.',
        ),
      'targets',
      ['host', 'port'],
      celUniqueTargets,
    ),
    ports: portsSchema.optional(),
    probe: sharedPart(probeSchema),
    services: listMap(
      z
        .array(serviceSchema)
        .min(1)
        .max(mostServices)
        .describe('The Services made from this backend. Left out: one, named after the resource.'),
      'services',
      ['name'],
    ).optional(),
    credentials: credentialsSchema.optional(),
    tls: wholePart(tlsSchema),
    dns: wholePart(dnsSchema),
    failbackSeconds: z
      .int32()
      .min(0)
      .max(86400)
      .default(30)
      .describe(
        'In mode ExternalName: how long an earlier host in targets must have been healthy before the alias goes back to it. 0: at once. 0 to 86400.',
      ),
    suspend: z
      .boolean()
      .default(false)
      .describe(
        'True stops probing and writing. What is published stays as it is, except addresses that the address policy forbids.',
      ),
    ...misplaced,
  })
  .describe('What is wanted.');

export type SpecShape = z.output<typeof specShape>;
