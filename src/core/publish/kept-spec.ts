import type { ServiceSpec } from '../../api/external-backend.ts';
import type { Service } from '../kubernetes/objects.ts';

/**
 * Returns the spec of a Service with the observed values of the fields that only a new Service can get
 * (`needsRecreation` of service-diff.ts), and of those that are validated together with them. Its slices are then
 * those of the Service that exists.
 */
export function keptSpec(spec: ServiceSpec, { spec: is }: Service): ServiceSpec {
  const { clusterIP: _, ipFamilies: _f, ipFamilyPolicy: _p, loadBalancerClass: _c, ...others } = spec;
  const { type = 'ClusterIP', ipFamilies, ipFamilyPolicy, loadBalancerClass } = is;
  return {
    ...others,
    type: type === 'ExternalName' ? spec.type : type,
    headless: is.clusterIP === 'None',
    ...(ipFamilies !== undefined && { ipFamilies: [...ipFamilies] }),
    ...(ipFamilyPolicy !== undefined && { ipFamilyPolicy }),
    ...(loadBalancerClass !== undefined && { loadBalancerClass }),
  };
}
