import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { controlPlane } from '../controlplane/details.ts';
import { kubectl, tryKubectl } from '../controlplane/kubectl.ts';
import { mustRun } from '../controlplane/run.ts';

const plane = controlPlane();
const pathOf = (folder: string) => fileURLToPath(new URL(`../../${folder}`, import.meta.url));

const apply = ['apply', '--server-side', '--force-conflicts'];

interface Port {
  readonly name: string;
  readonly containerPort: number;
}

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly Port[];
  readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Rendered {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly Container[]; readonly volumes?: readonly object[] };
    };
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes: readonly string[];
    readonly ingress: readonly { readonly from?: readonly object[]; readonly ports?: readonly object[] }[];
    readonly ports: readonly { readonly targetPort: string }[];
  };
}

async function render(folder: string) {
  const text = await kubectl(plane, ['kustomize', pathOf(folder)]);
  const all = parseAllDocuments(text).map((document) => document.toJS() as Rendered);
  const only = (kind: string): Rendered['spec'] => {
    const [found, ...others] = all.filter((each) => each.kind === kind);
    if (found === undefined || others.length > 0) throw new Error(`${folder} has not one ${kind}`);
    return found.spec;
  };
  const { template } = only('Deployment');
  const [container] = template.spec.containers;
  if (container === undefined) throw new Error(`${folder} has no container`);
  return { only, template, container };
}

describe.each(['config/default', 'config/namespaced'])('%s', (folder) => {
  it('gives the operator flags that it knows, and asks for its health where it is served', async () => {
    const { container, only } = await render(folder);
    const parsed = parseConfig(container.args, {});
    if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
    const { healthAddress, metricsAddress, metricsAuth } = parsed.config;
    expect(container.ports).toMatchObject([
      { name: 'health', containerPort: healthAddress.port },
      { name: 'metrics', containerPort: metricsAddress.port },
    ]);
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
    expect(only('Service').ports.map(({ targetPort }) => targetPort)).toEqual(['metrics']);
    expect(metricsAuth).toBe('token');
  });

  it('opens the metrics to namespaces that are labelled for it, and no other port to anybody', async () => {
    const { container, template, only } = await render(folder);
    const { podSelector, policyTypes, ingress } = only('NetworkPolicy');
    const metrics = container.ports.find(({ name }) => name === 'metrics');
    expect(template.metadata.labels).toMatchObject(podSelector.matchLabels);
    expect(policyTypes).toEqual(['Ingress']);
    expect(ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { metrics: 'enabled' } } }],
        ports: [{ protocol: 'TCP', port: metrics?.containerPort }],
      },
    ]);
  });
});

it('a release names its image by digest alone, wherever it is named', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const text = await mustRun([pathOf('.ci/release-manifests.sh'), 'registry.example.com/operator', digest], {
    env: { KUBECTL: `${plane.binary} kubectl` },
  });
  const images = [...text.matchAll(/^ *image: (\S+)$/gm)].map(([, image]) => image);
  expect(images).toEqual([`registry.example.com/operator@${digest}`]);
});

describe('config/components/metrics-tls', () => {
  const folder = 'test/support/cluster/manifests/metrics-tls';

  it('is accepted by the API server, and reads the certificate from where it is mounted', async () => {
    await kubectl(plane, [...apply, '-k', pathOf('config/default')]);
    const dryRun = await tryKubectl(plane, [...apply, '--dry-run=server', '-k', pathOf(folder)]);
    const { code, stderr } = dryRun;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { container, template } = await render(folder);
    const parsed = parseConfig(container.args, {});
    if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
    expect(parsed.config).toMatchObject({
      metricsCertFile: '/metrics-tls/tls.crt',
      metricsKeyFile: '/metrics-tls/tls.key',
      healthAddress: { port: 8081 },
    });
    expect(container.volumeMounts).toEqual([
      { name: 'metrics-tls', mountPath: '/metrics-tls', readOnly: true },
    ]);
    expect(template.spec.volumes).toEqual([
      { name: 'metrics-tls', secret: { secretName: 'external-backend-operator-metrics-tls' } },
    ]);
  });
});
