import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl, tryKubectl } from '../controlplane/kubectl.ts';
import { author, removeAuthorRights, tryCreate } from '../support/cluster/authors.ts';
import { eventually } from '../support/eventually.ts';

const plane = controlPlane();
const admin = api(plane);
const config = fileURLToPath(new URL('../../config', import.meta.url));
const operatorNamespace = 'external-backend-operator';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly template?: PodTemplate; readonly selector?: object };
}

interface PodTemplate {
  readonly metadata: { readonly labels?: object; readonly annotations?: object };
  readonly spec: {
    readonly securityContext?: object;
    readonly containers?: readonly { readonly securityContext?: object }[];
  };
}

async function build(folder: string): Promise<readonly Manifest[]> {
  const text = await kubectl(plane, ['kustomize', folder]);
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

async function podTemplate(folder: string): Promise<PodTemplate> {
  const template = (await build(folder)).find(({ kind }) => kind === 'Deployment')?.spec?.template;
  if (template === undefined) throw new Error(`${folder} has no Deployment`);
  return template;
}

/** The Pod that the Deployment's controller would create. */
function podOf(manifests: readonly Manifest[], inNamespace: string): string {
  const deployment = manifests.find(({ kind }) => kind === 'Deployment');
  const metadata = { name: 'operator-0', namespace: inNamespace };
  // The ServiceAccount of another namespace is not there, and is not what is looked at.
  const spec = { ...deployment?.spec?.template?.spec, serviceAccountName: 'default' };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
}

/** Whether a Pod would be admitted, in a namespace with that Pod Security level; and what the server said. */
async function admitted(folder: string, level: 'restricted' | 'baseline' | 'privileged') {
  const ns = await namespace(plane, 'psa');
  await admin.patch('Namespace', ns, undefined, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } },
  });
  await kubectl(plane, ['create', 'serviceaccount', 'default', '-n', ns]).catch(() => undefined);
  const stdin = podOf(await build(folder), ns);
  const result = await tryKubectl(plane, ['create', '--dry-run=server', '-f', '-'], { stdin });
  await admin.delete('Namespace', ns);
  return { code: result.code, said: result.stderr };
}

describe('config/default', () => {
  it('is accepted by the API server, every object and without a warning', async () => {
    const { code, stdout, stderr } = await tryKubectl(plane, [
      'apply',
      '--server-side',
      '--force-conflicts',
      '-k',
      `${config}/default`,
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength((await build(`${config}/default`)).length);
  });

  it('refuses an author who has the operator use a right of which he has none', async () => {
    const ns = await namespace(plane, 'lent');
    await kubectl(plane, ['apply', '--server-side', '--force-conflicts', '-k', `${config}/default`]);
    const bob = await author(plane, ns, 'bob', []);
    const spec = {
      targets: [{ host: '10.20.1.1' }],
      ports: [{ port: 5432 }],
      services: [{ name: 'db', externalIPs: ['198.51.100.7'] }],
    };
    await eventually(
      () => tryCreate(bob, ns, spec),
      (refusal) => refusal.startsWith('spec.services[].externalIPs of Service db: user bob'),
      { fact: 'the policy is applied' },
    );
    await removeAuthorRights(plane);
    await admin.delete('Namespace', ns);
  });

  it('asks for pods that restricted Pod Security admits', async () => {
    expect(await admitted(`${config}/default`, 'restricted')).toEqual({ code: 0, said: '' });
  });

  it('lets the operator do what its role says, and no more', async () => {
    const can = async (...args: readonly string[]) =>
      (await tryKubectl(plane, ['auth', 'can-i', ...args], { user: 'operator' })).stdout.trim();
    expect(await can('create', 'endpointslices.discovery.k8s.io', '-n', 'default')).toBe('yes');
    const lease = `leases.coordination.k8s.io/${operatorNamespace}`;
    expect(await can('update', lease, '-n', operatorNamespace)).toBe('yes');
    expect(await can('update', lease, '-n', 'default')).toBe('no');
    expect(await can('update', 'leases.coordination.k8s.io/other', '-n', operatorNamespace)).toBe('no');
    expect(await can('list', 'secrets', '-n', operatorNamespace)).toBe('no');
    expect(await can('list', 'pods', '-n', 'default')).toBe('no');
  });
});

describe.each(['default', 'namespaced'])('config/%s', (folder) => {
  it('fixes no user, so that a platform may assign one, and keeps root out by the number of the image', async () => {
    const { spec } = await podTemplate(`${config}/${folder}`);
    const contexts = [spec, ...(spec.containers ?? [])].map(({ securityContext }) => securityContext ?? {});
    expect(contexts[0]).toMatchObject({ runAsNonRoot: true });
    for (const context of contexts)
      for (const fixed of ['runAsUser', 'runAsGroup', 'fsGroup', 'supplementalGroups'])
        expect(Object.keys(context)).not.toContain(fixed);
    const user = /^USER (\S+)$/m.exec(readFileSync(`${config}/../Dockerfile`, 'utf8'))?.[1];
    expect(user).toMatch(/^[1-9][0-9]*(:[1-9][0-9]*)?$/);
  });

  it('opts out of the proxies of meshes, behind which every TCP probe succeeds', async () => {
    const { metadata } = await podTemplate(`${config}/${folder}`);
    expect(metadata.labels).toMatchObject({
      'sidecar.istio.io/inject': 'false',
      'istio.io/dataplane-mode': 'none',
      'kuma.io/sidecar-injection': 'disabled',
    });
    expect(metadata.annotations).toMatchObject({
      'linkerd.io/inject': 'disabled',
      'consul.hashicorp.com/connect-inject': 'false',
    });
  });

  it('selects its pods by what does not change', async () => {
    const deployment = (await build(`${config}/${folder}`)).find(({ kind }) => kind === 'Deployment');
    expect(deployment?.spec?.selector).toEqual({
      matchLabels: { 'app.kubernetes.io/name': 'external-backend-operator' },
    });
  });
});

describe('config/namespaced', () => {
  it('has a Role in each namespace and no ClusterRole', async () => {
    const kinds = (await build(`${config}/namespaced`)).map(({ kind }) => kind);
    const watched = (await build(`${config}/rbac-namespaced/watched`)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('ClusterRole'))).toEqual([]);
    expect(watched.toSorted()).toEqual(['Role', 'RoleBinding']);
  });

  it('is accepted by the API server, the Role in a namespace included', async () => {
    const ns = await namespace(plane, 'watched');
    const apply = ['apply', '--server-side', '--force-conflicts', '--dry-run=server'];
    await kubectl(plane, [...apply, '-k', `${config}/namespaced`]);
    const { code, stderr } = await tryKubectl(plane, [
      ...apply,
      '-n',
      ns,
      '-k',
      `${config}/rbac-namespaced/watched`,
    ]);
    await admin.delete('Namespace', ns);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('config/components/icmp', () => {
  const folder = fileURLToPath(new URL('../support/cluster/manifests/icmp', import.meta.url));

  it('asks for pods that restricted Pod Security admits', async () => {
    expect(await admitted(folder, 'restricted')).toEqual({ code: 0, said: '' });
  });
});

describe('config/components/icmp-raw', () => {
  const folder = fileURLToPath(new URL('../support/cluster/manifests/icmp-raw', import.meta.url));

  it('needs a namespace without Pod Security, as it says', async () => {
    expect((await admitted(folder, 'privileged')).code).toBe(0);
    expect((await admitted(folder, 'baseline')).said).toContain('NET_RAW');
  });
});

describe('config/components/secrets', () => {
  const folder = fileURLToPath(new URL('../support/cluster/manifests/secrets', import.meta.url));
  const can = async (verb: string, ns: string, resource = 'secrets') =>
    (
      await tryKubectl(plane, ['auth', 'can-i', verb, resource, '-n', ns], { user: 'operator' })
    ).stdout.trim();
  const apply = (...args: readonly string[]) =>
    kubectl(plane, ['apply', '--server-side', '--force-conflicts', ...args]);

  it('lets the operator read Secrets by name, and not list, watch or write them', async () => {
    await apply('-k', `${config}/default`);
    expect(await can('get', 'default')).toBe('no');
    await apply('-k', folder);
    try {
      expect(await can('get', 'default')).toBe('yes');
      for (const verb of ['list', 'watch', 'update', 'delete']) expect(await can(verb, 'default')).toBe('no');
    } finally {
      for (const kind of ['ClusterRole', 'ClusterRoleBinding'] as const)
        await admin.delete(kind, 'external-backend-operator-secrets');
    }
  });

  it('has a form for one namespace', async () => {
    const ns = await namespace(plane, 'secrets');
    await apply('-n', ns, '-k', `${config}/rbac-namespaced/secrets`);
    expect([await can('get', ns), await can('get', 'default'), await can('list', ns)]).toEqual([
      'yes',
      'no',
      'no',
    ]);
    await admin.delete('Namespace', ns);
  });
});

describe('config/samples', () => {
  let ns: string;

  beforeAll(async () => {
    await kubectl(plane, [
      'apply',
      '--server-side',
      '--force-conflicts',
      '-k',
      fileURLToPath(new URL('../../crds', import.meta.url)),
    ]);
    ns = await namespace(plane, 'samples');
  });

  afterAll(() => admin.delete('Namespace', ns));

  it('are all accepted by the API server, into one namespace and without a warning', async () => {
    const { code, stderr } = await tryKubectl(plane, ['apply', '-n', ns, '-f', `${config}/samples`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('for a team bound its number of backends, and what it may lend itself', async () => {
    const team = await namespace(plane, 'team');
    await kubectl(plane, ['apply', '-n', team, '-f', `${config}/samples/team`]);
    const count = 'count/externalbackends.externalbackend.io';
    const quota = await admin.get('ResourceQuota', 'external-backends', team);
    const { hard } = quota.spec as { readonly hard: Readonly<Record<string, string>> };
    // The controller that counts does not run here: the API server itself judges what it counted.
    await admin.patchStatus('ResourceQuota', 'external-backends', team, {
      status: { hard, used: { [count]: String(Number(hard[count]) - 1) } },
    });
    const create = (name: string) =>
      tryKubectl(plane, ['apply', '-n', team, '-f', '-'], {
        stdin: JSON.stringify({
          apiVersion: 'externalbackend.io/v1alpha1',
          kind: 'ExternalBackend',
          metadata: { name },
          spec: { targets: [{ host: '10.20.1.1' }], ports: [{ port: 5432 }] },
        }),
      });
    expect(await create('last')).toMatchObject({ code: 0 });
    expect((await create('surplus')).stderr).toContain(`exceeded quota: external-backends`);
    const can = async (...args: readonly string[]) =>
      (
        await tryKubectl(plane, [
          ...['auth', 'can-i', ...args, '-n', team, '--as=mia', '--as-group=shop-developers'],
        ])
      ).stdout.trim();
    expect([
      await can('get', 'secret/orders-db-probe'),
      await can('get', 'secret/other'),
      await can('create', 'services'),
      await can('update', 'services'),
    ]).toEqual(['yes', 'no', 'yes', 'no']);
    await admin.delete('Namespace', team);
  });
});
