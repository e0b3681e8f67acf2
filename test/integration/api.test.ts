import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apiVersion, kind, plural } from '../../src/api/external-backend.ts';
import { parseBackend } from '../../src/api/parse.ts';
import { badSamples, goodSamples } from '../api/samples.ts';
import { specs } from '../api/specs.ts';
import { ApiError, api, type Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { eventually } from '../support/eventually.ts';

let client: Api;
let shop: string;

beforeAll(async () => {
  client = api(controlPlane());
  shop = await namespace(controlPlane(), 'api');
});

/** Returns what the API server would store. Rejects with an ApiError. */
const dryRun = (spec: unknown, name = 'orders-db', fieldValidation = 'Strict'): Promise<unknown> =>
  client.send(
    'POST',
    `/apis/${apiVersion}/namespaces/${shop}/${plural}?dryRun=All&fieldValidation=${fieldValidation}`,
    { apiVersion, kind, metadata: { name }, spec },
  );

const refusal = async (spec: unknown, name?: string): Promise<string> =>
  dryRun(spec, name).then(
    () => 'accepted',
    (error: unknown) => (error instanceof ApiError ? error.message : String(error)),
  );

/** The defaults that the API server stores. */
const rootDefaults = { mode: 'Endpoints', failbackSeconds: 30, suspend: false };

/** Text that follows bounds and enums that fail; it is not a mistake of its own. */
const uncheckedRules = /, <nil>: Invalid value: "?null"?: some validation rules were not checked[^\]]*/;

/** Messages of rules that a stored resource may break, because it can be older than they are. */
const admissionOnly = /is a (reserved|cloud metadata) address|is greater than the period/;

describe('the API server', () => {
  it.each(badSamples)('refuses $name for one reason', async (sample) => {
    const message = (await refusal(sample.spec, sample.resourceName)).replace(uncheckedRules, '');
    expect(message).toContain(sample.field);
    expect(message).toContain(sample.server ?? sample.message);
    if (sample.server === undefined) expect(message.match(/: Invalid value: /g)).toHaveLength(1);
  });

  it.each(goodSamples)('accepts $name and stores it unchanged', async ({ spec, resourceName }) => {
    const stored = await dryRun(spec, resourceName);
    const metadata = (stored as { readonly metadata: unknown }).metadata;
    expect(parseBackend(stored)).toEqual(parseBackend({ metadata, spec }));
    expect((stored as { readonly spec: unknown }).spec).toEqual({ ...rootDefaults, ...(spec as object) });
  });

  it('accepts exactly the specs that zod accepts, except those that only admission refuses', async () => {
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const stored = { metadata: { namespace: shop, name: 'a', uid: 'u', creationTimestamp: '' }, spec };
        const parsed = parseBackend(stored);
        const message = await refusal(spec);
        const accepted = parsed.ok && !admissionOnly.test(message);
        expect({ accepted: message === 'accepted', message, parsed }).toMatchObject({ accepted });
      }),
      { numRuns: 600 },
    );
  }, 60_000);

  it('drops an unknown probe handler only if the client does not request strict validation', async () => {
    const spec = { targets: [{ host: '10.20.0.11' }], ports: [{ port: 1 }], probe: { unknownKind: {} } };
    expect(await refusal(spec)).toContain('unknown field "spec.probe.unknownKind"');
    const stored = (await dryRun(spec, 'orders-db', 'Warn')) as { readonly spec: { readonly probe: object } };
    expect(Object.keys(stored.spec.probe)).not.toContain('unknownKind');
  });
});

describe('kubectl', () => {
  it('explains every field', async () => {
    // The API server publishes the document of a CRD a moment after it was applied again.
    const text = await eventually(
      () => kubectl(controlPlane(), ['explain', 'xb.spec', '--recursive=false']).catch(() => ''),
      (explained) => explained !== '',
    );
    for (const field of [
      'mode',
      'targets',
      'ports',
      'probe',
      'services',
      'credentials',
      'tls',
      'dns',
      'failbackSeconds',
      'suspend',
      'observe',
    ])
      expect(text).toContain(field);
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.probe.httpGet.host'])).toContain('Host header');
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.targets.host'])).toContain('SRV record');
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.dns'])).toContain('minRefreshSeconds');
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.probe.postgres'])).toContain('sslMode');
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.services.maxLagSeconds'])).toContain('lag');
    expect(await kubectl(controlPlane(), ['explain', 'xb.spec.credentials'])).toContain('username');
    expect(await kubectl(controlPlane(), ['explain', 'xb.status'])).toContain('primary');
  });

  it('builds the roles', async () => {
    for (const folder of [
      'rbac',
      'rbac-namespaced/operator',
      'rbac-namespaced/watched',
      'rbac-namespaced/secrets',
    ]) {
      const built = await kubectl(controlPlane(), [
        'kustomize',
        `${import.meta.dirname}/../../config/${folder}`,
      ]);
      expect(built).toContain('external-backend-operator');
    }
  });
});
