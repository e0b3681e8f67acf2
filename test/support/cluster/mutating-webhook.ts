import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import type { Api } from '../../controlplane/api.ts';
import { createAuthority } from '../../probe/support/certificates.ts';

export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string;
  readonly value?: unknown;
}

interface Review {
  readonly request: { readonly uid: string; readonly object: Reviewed };
}

/** An object on its way into the API server's storage. */
export interface Reviewed {
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

export interface WebhookOptions {
  /** The only namespace whose objects it changes. */
  readonly namespace: string;
  /** Plural names, with the group: `services`, `discovery.k8s.io/endpointslices`. */
  readonly resources: readonly string[];
  readonly patch: (object: Reviewed) => readonly PatchOperation[];
}

/**
 * Starts an admission webhook that changes objects before they are stored, like a server that drops a field. Returns a
 * function that removes it. The API server reads the configuration a moment later.
 */
export async function startMutatingWebhook(
  admin: Api,
  { namespace, resources, patch }: WebhookOptions,
): Promise<() => Promise<void>> {
  const authority = createAuthority();
  const server = createServer(authority.issue('IP:127.0.0.1'), (request, response) => {
    void json(request).then((body) => {
      const { uid, object } = (body as Review).request;
      const text = Buffer.from(JSON.stringify(patch(object))).toString('base64');
      const answer = { uid, allowed: true, patchType: 'JSONPatch', patch: text };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await admin.create({
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: namespace },
    webhooks: [
      {
        name: 'mutating.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: {
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
          caBundle: Buffer.from(authority.ca).toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: resources.map(ruleOf),
      },
    ],
  });
  return async () => {
    await admin.delete('MutatingWebhookConfiguration', namespace);
    server.close();
    server.closeAllConnections();
    authority.remove();
  };
}

function ruleOf(resource: string): object {
  const [plural, group = ''] = resource.split('/').toReversed();
  return {
    ...{ apiGroups: [group], apiVersions: ['v1'], resources: [plural] },
    operations: ['CREATE', 'UPDATE'],
  };
}
