import { beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlane } from '../controlplane/details.ts';
import { tryKubectl } from '../controlplane/kubectl.ts';
import { chart, helmMajors, helmOf, objectsOf } from '../support/cluster/helm.ts';
import type { Helm, RenderedObject } from '../support/cluster/helm.ts';

// Values that no folder of config/ has a counterpart for.

const plane = controlPlane();

const pods = {
  imagePullSecrets: [{ name: 'registry' }],
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'infra', operator: 'Exists' }],
  affinity: { podAntiAffinity: {} },
  priorityClassName: 'system-cluster-critical',
  topologySpreadConstraints: [
    {
      maxSkew: 2,
      topologyKey: 'rack',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { a: 'b' } },
    },
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' },
  ],
};

const values = {
  ...pods,
  replicaCount: 3,
  resources: { requests: { cpu: 1, memory: '256Mi' } },
  podLabels: { team: 'shop' },
  podAnnotations: { note: 'yes' },
  extraArgs: ['--log-level=debug', '--no-legacy-endpoints', '--alias-deny=*.svc.cluster.local'],
};

interface Workload extends RenderedObject {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object; readonly annotations: object };
      readonly spec: {
        readonly containers: readonly [{ readonly args: readonly string[]; readonly resources: object }];
      };
    };
  };
}

describe.each(helmMajors)('the chart, rendered by Helm %i,', (major) => {
  let helm: Helm;

  beforeAll(async () => {
    helm = await helmOf(major);
  }, 1_200_000);

  async function render(
    release: string,
    set: object,
    namespace = 'default',
  ): Promise<readonly RenderedObject[]> {
    const file = join(mkdtempSync(join(tmpdir(), 'values-')), 'values.json');
    writeFileSync(file, JSON.stringify(set));
    return objectsOf(
      await helm.run([
        'template',
        release,
        chart,
        '--namespace',
        namespace,
        '-f',
        file,
        '--kube-version',
        '1.36',
      ]),
    );
  }

  const deploymentOf = (objects: readonly RenderedObject[]): Workload => {
    const found = objects.find(({ kind }) => kind === 'Deployment');
    if (found === undefined) throw new Error('no Deployment');
    return found as Workload;
  };

  it('gives the pods what the values have for them', async () => {
    const { spec } = deploymentOf(await render('other', values));
    const own = { 'app.kubernetes.io/name': 'other-external-backend-operator' };
    const [first, second] = pods.topologySpreadConstraints;
    expect(spec.template.spec).toMatchObject({
      ...pods,
      topologySpreadConstraints: [first, { ...second, labelSelector: { matchLabels: own } }],
    });
    expect(spec.replicas).toBe(3);
    expect(spec.template.metadata.labels).toMatchObject({ team: 'shop', ...own });
    expect(spec.template.metadata.annotations).toMatchObject({ note: 'yes' });
    const [container] = spec.template.spec.containers;
    expect(container.args.slice(-3)).toEqual(values.extraArgs);
    // Helm merges maps: a limit that is not named remains that of the chart.
    expect(container.resources).toEqual({ ...values.resources, limits: { memory: '512Mi' } });
  });

  it('is accepted by the API server with these values, every object of a namespace and without a warning', async () => {
    const objects = (await render('other', { ...values, crds: { enabled: false } })).filter(
      ({ metadata }) => metadata.namespace !== undefined,
    );
    const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const { code, stderr } = await tryKubectl(
      plane,
      ['create', '--dry-run=server', '--validate=strict', '-f', '-'],
      { stdin },
    );
    expect({ code, stderr, kinds: objects.length }).toEqual({ code: 0, stderr: '', kinds: 7 });
  });

  it('gives each release a Lease and selectors of its own', async () => {
    const objects = await render('other', {});
    const name = 'other-external-backend-operator';
    expect(deploymentOf(objects).spec.selector.matchLabels).toEqual({ 'app.kubernetes.io/name': name });
    expect(deploymentOf(objects).spec.template.spec.containers[0].args).toContain(`--lease-name=${name}`);
    const role = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name === name);
    expect(JSON.stringify(role?.['rules'])).toContain(`"resourceNames":["${name}"]`);
    expect(JSON.stringify(objects.filter(({ kind }) => kind !== 'CustomResourceDefinition'))).not.toMatch(
      /"external-backend-operator(-metrics|-secrets)?"/,
    );
  });

  it('has names that look like numbers as text', async () => {
    const objects = await render('123', { fullnameOverride: '456' }, '789');
    const { metadata } = deploymentOf(objects);
    expect(metadata).toMatchObject({ name: '456', namespace: '789' });
    expect(metadata.labels).toMatchObject({
      'app.kubernetes.io/name': '456',
      'app.kubernetes.io/instance': '123',
    });
  });

  it('has names of at most 63 characters for a release with the longest name, except of roles', async () => {
    const objects = await render('a'.repeat(53), { namespaces: ['shop'] });
    const names = objects
      .filter(({ apiVersion }) => !apiVersion.startsWith('rbac.'))
      .map(({ metadata }) => metadata.name);
    expect(names.filter((name) => name.length > 63)).toEqual([]);
  });
});
