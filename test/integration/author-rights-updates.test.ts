import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api, impersonate } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { pathOf } from '../controlplane/kinds.ts';
import { tryKubectl } from '../controlplane/kubectl.ts';
import {
  author,
  authorRules,
  installAuthorRights,
  refusalOf,
  removeAuthorRights,
  tryPatch,
  type AuthorRight,
} from '../support/cluster/authors.ts';
import { hosts, plain } from '../support/builders/backends.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec } from '../support/cluster/world.ts';

const plane = controlPlane();
const admin = api(plane);

let ns: string;
let editor: Api;
let all: Api;

const targets = hosts('10.20.61.1', '10.20.61.2');

/** Everything that a resource can lend, stored before there was a policy. */
const powerful: Spec = {
  targets,
  ports: [{ name: 'pg', port: 5432, nodePort: 30432 }],
  probe: { postgres: {}, periodSeconds: 10 },
  credentials: { secretName: 'db-login' },
  tls: { caSecret: { name: 'db-ca' }, certificateSecretName: 'db-client' },
  services: [
    {
      name: 'db',
      type: 'NodePort',
      externalIPs: ['198.51.100.7'],
      selector: { app: 'db' },
      labels: { 'example.com/team': 'a', team: 'a' },
      annotations: { 'example.com/a': 'b' },
    },
    { name: 'theirs', adopt: true },
  ],
};

const services = powerful['services'] as readonly Spec[];
const ports = powerful['ports'] as readonly Spec[];
/** Without what is shown to servers, which a change of ports asks for again. */
const secretless = { credentials: null, tls: null };
const withService = (more: Spec) => ({ spec: { services: [{ ...services[0], ...more }, services[1]] } });

beforeAll(async () => {
  ns = await namespace(plane, 'rights');
  const metadata = { name: 'db', namespace: ns };
  await admin.create({ kind: 'ExternalBackend', metadata, spec: powerful });
  await installAuthorRights(plane, ns);
  editor = await author(plane, ns, 'editor', []);
  all = await author(plane, ns, 'all', Object.keys(authorRules) as readonly AuthorRight[]);
}, 60_000);

afterAll(async () => {
  await removeAuthorRights(plane);
  await admin.delete('Namespace', ns);
});

describe('an editor without further rights, of a resource that lends everything', () => {
  it.each<readonly [string, object]>([
    ['sets a label of the resource', { metadata: { labels: { a: 'b' } } }],
    ['adds a finalizer', { metadata: { finalizers: ['example.com/hold'] } }],
    ['suspends it', { spec: { suspend: true } }],
    ['drains a target', { spec: { targets: [{ ...targets[0], drain: true }, targets[1]] } }],
    ['removes a target', { spec: { targets: [targets[0]] } }],
    ['changes the order of targets', { spec: { targets: targets.toReversed() } }],
    ['changes how names are asked for', { spec: { dns: { minRefreshSeconds: 30 } } }],
    ['changes a field of a Service that lends nothing', withService({ sessionAffinity: 'ClientIP' })],
    ['changes his own label of a Service', withService({ labels: { 'example.com/team': 'a', team: 'b' } })],
    ['adds a plain Service', { spec: { services: [...services, { name: 'more' }] } }],
    [
      'changes the port of the servers',
      { spec: { ports: [{ ...ports[0], appProtocol: 'pg' }], ...secretless } },
    ],
    ['removes external IPs', withService({ externalIPs: undefined })],
    [
      'takes a Service back to ClusterIP',
      {
        spec: {
          ports: [{ name: 'pg', port: 5432 }],
          probe: null,
          credentials: null,
          tls: null,
          services: [{ name: 'db' }],
        },
      },
    ],
    [
      'removes all Services that lend something',
      { spec: { ports: [{ name: 'pg', port: 5432 }], credentials: null, tls: null, services: null } },
    ],
  ])('%s', async (_, patch) => {
    expect(await tryPatch(editor, ns, 'db', patch)).toBe('');
  });

  it.each<readonly [string, object, string]>([
    ['names another Secret', { spec: { credentials: { secretName: 'other' } } }, 'Secret other '],
    [
      'sends the password to another server',
      { spec: { targets: [...targets, { host: '10.20.61.3' }] } },
      'Secret db-login ',
    ],
    [
      'sends the password to another port of a server',
      { spec: { targets: [{ ...targets[0], port: 6543 }, targets[1]] } },
      'Secret db-login ',
    ],
    [
      'takes any certificate',
      { spec: { tls: { caSecret: null, insecureSkipVerify: true } } },
      'Secret db-login ',
    ],
    ['trusts another authority', { spec: { tls: { caSecret: { name: 'own-ca' } } } }, 'Secret db-login '],
    ['asks in the clear', { spec: { probe: { postgres: { sslMode: 'disable' } } } }, 'Secret db-login '],
    [
      'shows the certificate to another handler',
      { spec: { credentials: null, probe: { postgres: null, httpGet: { scheme: 'HTTPS' } } } },
      'Secret db-client ',
    ],
    [
      'opens another port of the node',
      { spec: { ports: [...ports, { name: 'admin', port: 8443 }], ...secretless } },
      'type of Service db (a port is added, which it opens):',
    ],
    ['changes the type', withService({ type: 'LoadBalancer' }), 'type of Service db:'],
    ['changes external IPs', withService({ externalIPs: ['198.51.100.8'] }), 'externalIPs of Service db:'],
    ['changes the selector', withService({ selector: { app: 'admin' } }), 'selector of Service db:'],
    [
      'changes a label of another domain',
      withService({ labels: { 'example.com/team': 'b' } }),
      'labels of Service db:',
    ],
    [
      'adds an annotation of another domain',
      withService({ annotations: { 'example.com/a': 'b', 'example.org/c': 'd' } }),
      'annotations of Service db:',
    ],
    [
      'gives the external IPs to another Service',
      { spec: { services: [{ ...services[0], name: 'moved' }, services[1]] } },
      'of Service moved:',
    ],
    [
      'adopts another Service',
      { spec: { services: [...services, { name: 'kube-dns', adopt: true }] } },
      'Service kube-dns',
    ],
    [
      'chooses another node port',
      { spec: { ports: [{ name: 'pg', port: 5432, nodePort: 30433 }], credentials: null, tls: null } },
      'spec.ports[].nodePort',
    ],
  ])('%s: refused', async (_, patch, words) => {
    expect(await tryPatch(editor, ns, 'db', patch)).toContain(words);
  });

  it("applies an unrelated field on the server's side, and is refused a power so", async () => {
    const applied = (spec: Spec) =>
      refusalOf(
        editor.send(
          'PATCH',
          `${pathOf('ExternalBackend', ns, 'db')}?dryRun=All&fieldManager=editor&force=true`,
          {
            apiVersion: 'externalbackend.io/v1alpha1',
            kind: 'ExternalBackend',
            metadata: { name: 'db' },
            spec,
          },
          'application/apply-patch+yaml',
        ),
      );
    expect(await applied({ failbackSeconds: 60 })).toBe('');
    expect(await applied({ services: [{ name: 'db', externalIPs: ['198.51.100.9'] }] })).toContain(
      'externalIPs',
    );
  });

  it('deletes it', async () => {
    const path = `${pathOf('ExternalBackend', ns, 'db')}?dryRun=All`;
    expect(await refusalOf(editor.send('DELETE', path))).toBe('');
  });
});

describe('the others', () => {
  it('the status is not judged, whatever the spec lends', async () => {
    const patch = { status: { observedGeneration: 1 } };
    const path = `${pathOf('ExternalBackend', ns, 'db')}/status?dryRun=All`;
    const operator = impersonate(plane, {
      user: 'system:serviceaccount:external-backend-operator:external-backend-operator',
    });
    expect(await refusalOf(operator.send('PATCH', path, patch, 'application/merge-patch+json'))).toBe('');
  });

  it('a GitOps controller applies everything with the rights of its service account, and without them is told which', async () => {
    await admin.create({ kind: 'ServiceAccount', metadata: { name: 'gitops', namespace: ns } });
    await admin.create({
      kind: 'RoleBinding',
      metadata: { name: 'gitops', namespace: ns },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'external-backend-editor',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'gitops', namespace: ns }],
    });
    const token = (await admin.send('POST', `/api/v1/namespaces/${ns}/serviceaccounts/gitops/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    })) as { readonly status: { readonly token: string } };
    const manifest = JSON.stringify({
      apiVersion: 'externalbackend.io/v1alpha1',
      kind: 'ExternalBackend',
      metadata: { name: 'gitops', namespace: ns },
      spec: plain(['10.20.61.1'], { services: [{ name: 'gitops', selector: { app: 'db' } }] }),
    });
    const apply = () =>
      tryKubectl(
        plane,
        [
          'apply',
          '--server-side',
          '--kubeconfig=/dev/null',
          `--server=${plane.server}`,
          `--certificate-authority=${plane.caFile}`,
          `--token=${token.status.token}`,
          '-f',
          '-',
        ],
        { stdin: manifest },
      );
    const refused = await apply();
    expect(refused.stderr).toContain(`user system:serviceaccount:${ns}:gitops may not create Services`);
    await admin.create({
      kind: 'RoleBinding',
      metadata: { name: 'gitops-all', namespace: ns },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'all' },
      subjects: [{ kind: 'ServiceAccount', name: 'gitops', namespace: ns }],
    });
    await eventually(apply, ({ code }) => code === 0, { fact: 'the rights are known' });
    expect((await admin.get('ExternalBackend', 'gitops', ns)).spec['services']).toEqual([
      { name: 'gitops', selector: { app: 'db' } },
    ]);
  });

  it('an author with all rights may do all of it', async () => {
    const patch = withService({ type: 'NodePort', externalIPs: ['198.51.100.8'], selector: { app: 'b' } });
    expect(await tryPatch(all, ns, 'db', patch)).toBe('');
  });
});

describe('the policy', () => {
  const list = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  const keys = (value: string) =>
    Object.fromEntries(list(32, (i) => [`${'d'.repeat(60)}.example.com/${'k'.repeat(60)}${i}`, value]));
  const host = (i: number) =>
    `${`h${i}`.padEnd(63, 'x')}.${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(61)}`;

  /** As large as the schema and etcd let it be, lending all that it can; another value asks for each power anew. */
  const largest = (value: string): Spec => ({
    targets: list(500, (i) => ({ host: host(i) })),
    ports: list(32, (i) => ({ name: `p${i}`, port: 1000 + i })),
    credentials: { secretName: value.repeat(253) },
    tls: { caSecret: { name: value.repeat(253) }, certificateSecretName: value.repeat(253) },
    services: list(16, (i) => ({
      name: `${value}${i}`.padEnd(63, 'x'),
      adopt: true,
      type: 'LoadBalancer',
      loadBalancerClass: `example.com/${value}`,
      loadBalancerSourceRanges: list(64, (j) => `198.51.${j}.0/24`),
      externalIPs: list(16, (j) => `198.51.100.${j + 1}`),
      selector: { app: value },
      labels: keys(value),
      annotations: keys(value.repeat(300)),
    })),
  });

  it('is within the budget of the API server for the largest resources, created and changed', async () => {
    const metadata = { name: 'largest', namespace: ns };
    const stored = await admin.create({ kind: 'ExternalBackend', metadata, spec: largest('a') });
    const targets = largest('b')['targets'] as readonly Spec[];
    const changed = { ...largest('b'), targets: targets.toReversed() };
    const { resourceVersion } = stored.metadata;
    await admin.replace({
      kind: 'ExternalBackend',
      metadata: { ...metadata, resourceVersion },
      spec: changed,
    });
    expect(await tryPatch(editor, ns, 'largest', { spec: { suspend: true } })).toBe('');
    expect(await tryPatch(editor, ns, 'largest', { spec: largest('c') })).toContain(
      'may not get this Secret',
    );
  }, 60_000);

  it('has expressions of which the API server finds nothing to warn', async () => {
    const policy = await eventually(
      () => admin.get('ValidatingAdmissionPolicy', 'author-rights.externalbackend.io'),
      ({ status, metadata }) => status?.['observedGeneration'] === metadata.generation,
      { fact: 'the expressions are checked against the schema' },
    );
    expect(policy.status?.['typeChecking']).toEqual({});
  });
});
