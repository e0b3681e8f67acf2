import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { chart, helmMajors, helmOf, objectsOf } from '../support/cluster/helm.ts';
import type { Helm, RenderedObject } from '../support/cluster/helm.ts';

// The chart, config/ and install.yaml are the same objects.

const plane = controlPlane();
const root = join(import.meta.dirname, '../..');
const operator = 'external-backend-operator';

/** Labels that only the chart sets. Objects of config/ that have no labels get the name by the chart as well. */
const labelsOfHelm = ['helm.sh/chart', 'instance', 'version', 'managed-by'].map((key) =>
  key.includes('/') ? key : `app.kubernetes.io/${key}`,
);
/** With `crds.keep`. */
const annotationOfHelm = 'helm.sh/resource-policy';

/** Helm creates no namespace for a release, except with `--create-namespace`. */
const withoutNamespace = (objects: readonly RenderedObject[]) =>
  objects.filter(({ kind }) => kind !== 'Namespace');

const keyOf = ({ apiVersion, kind, metadata }: RenderedObject): string =>
  [apiVersion, kind, metadata.namespace ?? '', metadata.name].join(' ');

const byKey = (objects: readonly RenderedObject[]): Readonly<Record<string, RenderedObject>> => {
  const pairs = objects.map((object) => [keyOf(object), object] as const);
  expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length);
  return Object.fromEntries(pairs);
};

const without = (map: Readonly<Record<string, string>> | undefined, keys: readonly string[]) => {
  const rest = Object.entries(map ?? {}).filter(([key]) => !keys.includes(key));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
};

/** Returns an object of the chart without what only Helm sets, to compare it with one of config/. */
function plain(object: RenderedObject, other: RenderedObject | undefined): RenderedObject {
  const { labels: _labels, annotations: _annotations, ...metadata } = object.metadata;
  const name = other?.metadata.labels === undefined ? ['app.kubernetes.io/name'] : [];
  const labels = without(object.metadata.labels, [...labelsOfHelm, ...name]);
  const annotations = without(object.metadata.annotations, [annotationOfHelm]);
  return {
    ...object,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
  };
}

function expectSame(objects: readonly RenderedObject[], expected: readonly RenderedObject[]): void {
  const wanted = byKey(withoutNamespace(expected));
  const plainObjects = objects.map((object) => plain(object, wanted[keyOf(object)]));
  expect(Object.keys(byKey(plainObjects)).toSorted()).toEqual(Object.keys(wanted).toSorted());
  expect(byKey(plainObjects)).toEqual(wanted);
}

/** Each folder is rendered once, for both Helms. */
const rendered = new Map<string, Promise<readonly RenderedObject[]>>();
const once = (key: string, render: () => Promise<readonly RenderedObject[]>) => {
  const known = rendered.get(key) ?? render();
  rendered.set(key, known);
  return known;
};

const kustomize = (folder: string) =>
  once(folder, async () => objectsOf(await kubectl(plane, ['kustomize', folder])));

/** Returns config/default with a component. */
const withComponent = (component: string) =>
  once(`component ${component}`, async () => {
    const overlay = mkdtempSync(join(root, 'config/test.'));
    try {
      const text = `resources: [../default]\ncomponents: [../components/${component}]\n`;
      writeFileSync(join(overlay, 'kustomization.yaml'), text);
      return objectsOf(await kubectl(plane, ['kustomize', overlay]));
    } finally {
      rmSync(overlay, { recursive: true });
    }
  });

describe.each(helmMajors)('the chart, rendered by Helm %i,', (major) => {
  let helm: Helm;

  beforeAll(async () => {
    helm = await helmOf(major);
  }, 1_200_000);

  const render = async (...args: readonly string[]) =>
    objectsOf(
      await helm.run([
        'template',
        operator,
        chart,
        '--namespace',
        operator,
        '--kube-version',
        '1.36',
        ...args,
      ]),
    );

  it('has no fault that lint finds', async () => {
    expect(await helm.run(['lint', '--strict', chart])).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  it('is config/default, object for object', async () => {
    expectSame(await render(), await kustomize(join(root, 'config/default')));
  });

  it('is install.yaml, with the image of a release by its digest', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const repository = `registry.example/team/${operator}`;
    const manifests = execFileSync(join(root, '.ci/release-manifests.sh'), [`${repository}@${digest}`], {
      encoding: 'utf8',
      env: { ...process.env, KUBECTL: `${plane.binary} kubectl` },
    });
    const image = ['--set', `image.repository=${repository},image.digest=${digest}`];
    expectSame(await render(...image), objectsOf(manifests));
  });

  it.each([
    ['icmp', ['icmp.enabled=true']],
    ['icmp-raw', ['icmp.raw=true']],
    ['metrics-tls', [`metrics.tlsSecretName=${operator}-metrics-tls`]],
    ['secrets', ['secrets.enabled=true']],
    ['service-monitor', ['monitoring.serviceMonitor.enabled=true']],
    [
      'pod-monitor',
      ['monitoring.podMonitor.enabled=true', `monitoring.tokenSecretName=${operator}-metrics-token`],
    ],
  ])('has the component %s as config/components has it', async (component, values) => {
    expectSame(await render('--set', values.join(',')), await withComponent(component));
  });

  it.each([
    ['networkPolicy.enabled=false', 'NetworkPolicy'],
    ['authorRights.enabled=false', 'ValidatingAdmissionPolicy'],
    ['podDisruptionBudget.enabled=false', 'PodDisruptionBudget'],
    ['crds.enabled=false', 'CustomResourceDefinition'],
    ['rbac.create=false', 'Role'],
  ])('has, with %s, everything except objects of that kind', async (value, kind) => {
    const all = await kustomize(join(root, 'config/default'));
    const isOff = (object: RenderedObject) =>
      kind === 'Role' ? object.apiVersion.startsWith('rbac.') : object.kind.startsWith(kind);
    expectSame(
      await render('--set', value),
      all.filter((object) => !isOff(object)),
    );
  });

  it('is config/namespaced with its folders for a namespace, and has no ClusterRole', async () => {
    const folder = async (name: string, namespace?: string) =>
      (await kustomize(join(root, 'config', name))).map((object) =>
        namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } },
      );
    const common = [...(await folder('namespaced')), ...(await folder('rbac-namespaced/watched', 'shop'))];
    const policy = await kustomize(join(root, 'config/default'));
    const expected = [...common, ...policy.filter(({ kind }) => kind.startsWith('ValidatingAdmission'))];
    const namespaced = await render('--set', 'namespaces={shop}');
    expectSame(namespaced, expected);
    expect(namespaced.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
    const all = 'namespaces={shop},secrets.enabled=true,rbac.networks=true,rbac.metrics=true';
    expectSame(await render('--set', all), [
      ...expected,
      ...(await folder('rbac-namespaced/secrets', 'shop')),
      ...(await folder('rbac-namespaced/networks')),
      ...(await folder('rbac-namespaced/metrics')),
    ]);
  });
});
