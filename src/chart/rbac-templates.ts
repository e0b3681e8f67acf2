import { action, conditional, templateOf } from './template.ts';
import type { TemplateEdit } from './template.ts';
import type { ChartTemplate, ReadFile } from './workload-templates.ts';

const keep: TemplateEdit = {
  append: ['metadata'],
  lines: ['{{- if $.Values.crds.keep }}', 'annotations:', '  helm.sh/resource-policy: keep', '{{- end }}'],
};

/** Adds the namespace to an object of a folder that is applied in each namespace. */
const inNamespace: TemplateEdit = { append: ['metadata'], lines: [`namespace: "${action('$namespace')}"`] };

const inEachNamespace = (template: string): string =>
  `{{- range $namespace := $.Values.namespaces }}\n---\n${template}{{- end }}\n`;

/** Returns the templates of the CRD, the roles and the admission policy. */
export function rbacTemplates(read: ReadFile): readonly ChartTemplate[] {
  const of = (path: string, edits: readonly TemplateEdit[] = []) =>
    templateOf(read(`config/${path}.yaml`), edits);
  const namespaced = 'and $.Values.rbac.create $.Values.namespaces';
  const wholeCluster = 'and $.Values.rbac.create (not $.Values.namespaces)';
  return [
    {
      file: 'crd.yaml',
      content: conditional(
        '$.Values.crds.enabled',
        templateOf(read('crds/externalbackends.externalbackend.io.yaml'), [keep]),
      ),
    },
    {
      file: 'author-rights.yaml',
      content: conditional('$.Values.authorRights.enabled', of('components/author-rights/policy')),
    },
    { file: 'service-account.yaml', content: of('rbac/service-account') },
    { file: 'role.yaml', content: conditional('$.Values.rbac.create', of('rbac/role')) },
    {
      file: 'cluster-role.yaml',
      content: conditional(
        wholeCluster,
        of('rbac/cluster-role'),
        of('rbac/metrics-reader'),
        of('rbac/user-roles'),
      ),
    },
    {
      file: 'cluster-role-secrets.yaml',
      content: conditional(`${wholeCluster} $.Values.secrets.enabled`, of('components/secrets/cluster-role')),
    },
    {
      file: 'namespaced-role.yaml',
      content: conditional(namespaced, inEachNamespace(of('rbac-namespaced/watched/role', [inNamespace]))),
    },
    {
      file: 'namespaced-role-secrets.yaml',
      content: conditional(
        `${namespaced} $.Values.secrets.enabled`,
        inEachNamespace(of('rbac-namespaced/secrets/role', [inNamespace])),
      ),
    },
    {
      file: 'namespaced-networks.yaml',
      content: conditional(
        `${namespaced} $.Values.rbac.networks`,
        of('rbac-namespaced/networks/cluster-role'),
      ),
    },
    {
      file: 'namespaced-metrics.yaml',
      content: conditional(
        `${namespaced} $.Values.rbac.metrics`,
        of('rbac-namespaced/metrics/cluster-role'),
        of('rbac-namespaced/metrics/metrics-reader'),
      ),
    },
  ];
}
