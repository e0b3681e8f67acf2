import { shortHash } from '../../core/kubernetes/short-hash.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { resources } from '../client/resources.ts';

/** Label of the Leases of replicas; its value is the name of the Lease of the leader election. */
export const replicaLabel = 'externalbackend.io/replica-of';
export const questionAnnotation = 'externalbackend.io/question';
export const answerAnnotation = 'externalbackend.io/answer';

/** Lease of one replica, as it is cached. */
export interface ReplicaLease extends KubeObject {
  readonly renewTime: string;
  readonly question: string | undefined;
  readonly answer: string | undefined;
}

/** Returns the name of the Lease of a replica: that of the election, and that of its pod. */
export function replicaLeaseName(leaseName: string, instance: string): string {
  const whole = `${leaseName}-${instance.toLowerCase()}`;
  const isValid =
    whole.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(whole) && !/\.[-.]|-\./.test(whole);
  return isValid ? whole : `${leaseName.slice(0, 200)}-${shortHash(whole)}`;
}

interface Raw {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly renewTime?: string | null };
}

export function projectReplicaLease(raw: unknown): ReplicaLease {
  const { metadata, spec } = raw as Raw;
  const { name, namespace, uid, resourceVersion, annotations = {} } = metadata;
  const { apiVersion, kind } = resources.Lease;
  const kept = { name, namespace, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
  return {
    ...{ apiVersion, kind, metadata: kept, renewTime: spec?.renewTime ?? '' },
    ...{ question: annotations[questionAnnotation], answer: annotations[answerAnnotation] },
  };
}
