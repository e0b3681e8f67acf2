import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import {
  author,
  authorRules,
  installAuthorRights,
  removeAuthorRights,
  tryCreate,
  type AuthorRight,
} from '../support/cluster/authors.ts';
import { plain } from '../support/builders/backends.ts';
import type { Spec } from '../support/cluster/world.ts';

const plane = controlPlane();
const rights = Object.keys(authorRules) as readonly AuthorRight[];

let ns: string;
let editor: Api;
/** Has every right but one. */
const without = new Map<AuthorRight, Api>();
/** Has one right in addition to the editor's. */
const withOnly = new Map<AuthorRight, Api>();

beforeAll(async () => {
  ns = await namespace(plane, 'rights');
  await installAuthorRights(plane, ns);
  editor = await author(plane, ns, 'editor', []);
  for (const [i, right] of rights.entries()) {
    const others = rights.filter((each) => each !== right);
    without.set(right, await author(plane, ns, `without-${i}`, others));
    withOnly.set(right, await author(plane, ns, `only-${i}`, [right]));
  }
}, 60_000);

afterAll(async () => {
  await removeAuthorRights(plane);
  await api(plane).delete('Namespace', ns);
});

const backend = (more: Spec): Spec => plain(['10.20.60.1'], more);
const service = (more: Spec): Spec => backend({ services: [{ name: 'db', ...more }] });

/** What a resource asks for, the rights that it takes, and the fields of which the refusal speaks. */
const lent: readonly (readonly [string, Spec, readonly AuthorRight[], string])[] = [
  [
    'credentials',
    backend({ credentials: { secretName: 'db-login' } }),
    ['get Secret db-login'],
    'spec.credentials.secretName',
  ],
  [
    'an authority of a Secret',
    backend({ tls: { caSecret: { name: 'db-login' } } }),
    ['get Secret db-login'],
    'spec.tls.caSecret.name',
  ],
  [
    'a client certificate',
    backend({ tls: { certificateSecretName: 'db-login' } }),
    ['get Secret db-login'],
    'spec.tls.certificateSecretName',
  ],
  [
    'the Service of another',
    backend({ services: [{ name: 'theirs', adopt: true }] }),
    ['update Service theirs'],
    'spec.services[].adopt',
  ],
  ['type NodePort', service({ type: 'NodePort' }), ['create Services'], 'spec.services[].type'],
  ['type LoadBalancer', service({ type: 'LoadBalancer' }), ['create Services'], 'spec.services[].type'],
  [
    'a class of load balancers',
    service({ type: 'LoadBalancer', loadBalancerClass: 'example.com/internal' }),
    ['create Services'],
    'spec.services[].type',
  ],
  ['a selector', service({ selector: { app: 'admin' } }), ['create Services'], 'spec.services[].selector'],
  [
    'an annotation of another domain',
    service({ annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'login.example.com' } }),
    ['create Services'],
    'spec.services[].annotations',
  ],
  [
    'a label of another domain',
    service({ labels: { 'example.com/team': 'a' } }),
    ['create Services'],
    'spec.services[].labels',
  ],
  [
    'external IPs',
    service({ externalIPs: ['198.51.100.7'] }),
    ['create Services', 'use external IPs'],
    'spec.services[].externalIPs',
  ],
];

/** What an editor may ask for without any further right. */
const free: readonly (readonly [string, Spec])[] = [
  ['a Service', backend({})],
  ['a headless Service', service({ headless: true })],
  [
    'a Service by role',
    service({ role: 'Any', publishNotReadyAddresses: true, ipFamilyPolicy: 'SingleStack' }),
  ],
  ['affinity and distribution', service({ sessionAffinity: 'ClientIP', trafficDistribution: 'PreferClose' })],
  [
    'labels and annotations of no domain, or of the common one',
    service({ labels: { team: 'a', 'app.kubernetes.io/part-of': 'shop' }, annotations: { owner: 'a' } }),
  ],
  ['labels that are null', service({ labels: null, annotations: null })],
  ['no Secret in tls', backend({ tls: { serverName: 'db.example.com' } })],
  ['adopt that is false', service({ adopt: false })],
  ['an alias', { mode: 'ExternalName', targets: [{ host: 'db.example.com' }] }],
];

describe('the author of a resource needs the rights that it lends himself', () => {
  it.each(lent)(
    '%s: an editor alone is refused, with the field, the right and the fix',
    async (_, spec, needs, field) => {
      const refusal = await tryCreate(editor, ns, spec);
      expect(refusal).toContain(field);
      expect(refusal).toContain(`user editor.${ns} may not`);
      expect(refusal).toContain(`in namespace ${ns}`);
      expect(refusal).toMatch(/Ask for a Role(Binding)? /);
      expect(needs).not.toEqual([]);
    },
  );

  it.each(lent)(
    '%s: passes with the rights that it needs, and with all others but one of them not',
    async (_, spec, needs) => {
      for (const right of rights) {
        const passes = (await tryCreate(without.get(right) ?? editor, ns, spec)) === '';
        expect([right, passes]).toEqual([right, !needs.includes(right)]);
      }
      const single = needs.length === 1 ? needs[0] : undefined;
      if (single !== undefined) expect(await tryCreate(withOnly.get(single) ?? editor, ns, spec)).toBe('');
    },
  );

  it.each(free)('%s: an editor may', async (_, spec) => {
    expect(await tryCreate(editor, ns, spec)).toBe('');
  });
});
