import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import type { PlaneDetails } from '../controlplane/details.ts';
import { kubectl } from '../controlplane/kubectl.ts';
import { startTarget } from '../controlplane/targets.ts';
import type { Target, TargetOptions } from '../controlplane/targets.ts';
import { application } from '../support/cluster/application.ts';
import type { Application } from '../support/cluster/application.ts';
import { eventually } from '../support/eventually.ts';

/** One use of the operator from end to end. */
export interface Case {
  /** A sentence about what holds. */
  readonly title: string;
  /** Of its own, where the application lives too. */
  readonly namespace: string;
  /** What listens outside the cluster before anything is declared; each says its address to who connects. */
  readonly servers: readonly TargetOptions[];
  /** As a user writes it, in YAML. */
  readonly manifest: string;
  /** Manifests of further namespaces. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Checks what an application sees; fails where that is something else. */
  readonly sees: (scene: Scene) => Promise<void>;
}

/** The application of a case, the servers behind it, and what an administrator does meanwhile. */
export interface Scene extends Application {
  readonly plane: PlaneDetails;
  readonly namespace: string;
  readonly admin: Api;
  /** The port may be left out where the address has one server. */
  readonly server: (address: string, port?: number) => Target;
  /** Until the backend's READY column says this, such as `2/3`. */
  readonly summary: (backend: string, text: string) => Promise<void>;
}

/** Starts the servers and declares what the case declares. */
export async function open(plane: PlaneDetails, row: Case): Promise<Scene> {
  const servers = await Promise.all(row.servers.map(startTarget));
  await Promise.all(
    Object.entries({ ...row.elsewhere, [row.namespace]: row.manifest }).map(([namespace, manifest]) =>
      declare(plane, namespace, manifest),
    ),
  );
  const admin = api(plane);
  return {
    ...application(row.namespace),
    plane,
    namespace: row.namespace,
    admin,
    server: (address, port) => {
      const found = servers.find((each) => each.address === address && (port ?? each.port) === each.port);
      if (found === undefined) throw new Error(`the case has no server ${address}:${port ?? ''}`);
      return found;
    },
    summary: async (backend, text) => {
      const ask = async () => (await admin.get('ExternalBackend', backend, row.namespace)).status?.summary;
      await eventually(ask, (summary) => summary === text, { fact: `${backend} is ${text} ready` });
    },
  };
}

async function declare(plane: PlaneDetails, namespace: string, manifest: string): Promise<void> {
  await api(plane).create({ kind: 'Namespace', metadata: { name: namespace } });
  await kubectl(plane, ['apply', '-n', namespace, '-f', '-'], { stdin: manifest });
}
