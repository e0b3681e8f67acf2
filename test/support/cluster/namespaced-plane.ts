import { join } from 'node:path';
import { api } from '../../controlplane/api.ts';
import { kubectl } from '../../controlplane/kubectl.ts';
import { startPlane } from '../../controlplane/plane.ts';
import type { Api } from '../../controlplane/api.ts';
import type { Plane } from '../../controlplane/plane.ts';

const config = join(import.meta.dirname, '../../../config');

/** A control plane of one test file, where the operator is installed for the namespaces that have its Role. */
export interface NamespacedPlane {
  readonly own: Plane;
  readonly admin: Api;
  /** Applies manifests as the administrator. */
  readonly apply: (...args: readonly string[]) => Promise<unknown>;
  /** Gives the operator its Role in a namespace. */
  readonly serve: (namespace: string) => Promise<unknown>;
}

/** Starts the control plane with these namespaces. The operator may serve the first one. */
export async function startNamespacedPlane(
  address: string,
  namespaces: readonly [string, ...string[]],
): Promise<NamespacedPlane> {
  const own = await startPlane({ address });
  const admin = api(own.details);
  const apply = (...args: readonly string[]) =>
    kubectl(own.details, ['apply', '--server-side', '--force-conflicts', ...args]);
  const serve = (namespace: string) => apply('-n', namespace, '-k', join(config, 'rbac-namespaced/watched'));
  await apply('-k', join(config, 'namespaced'));
  for (const name of namespaces) await admin.create({ kind: 'Namespace', metadata: { name } });
  await serve(namespaces[0]);
  return { own, admin, apply, serve };
}
