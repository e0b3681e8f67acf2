import type { z } from 'zod';
import { modeRules } from './alias-rules.ts';
import { defaultDns, dnsSchema, type Dns } from './dns.ts';
import { maintenanceWindowSchema, type maintenanceActions } from './maintenance.ts';
import { httpGetSchema, probeSchema } from './probe.ts';
import { portSchema, type Port } from './port.ts';
import { roleRules } from './role-rules.ts';
import { celString, withRules, type Rule } from './rule.ts';
import { serviceSchema } from './service.ts';
import { endpointsRule, specRules } from './spec-rules.ts';
import { specShape } from './spec-shape.ts';
import { conditionSchema, healthStates, statusSchema, unseenStatus, type HealthState } from './status.ts';
import { targetSchema } from './target.ts';
import { serviceName } from './patterns.ts';

// Single source of truth of the CRD. The types, the runtime parser, the CRD YAML, the CEL rules and the
// reference are derived from this file and from the files named after its parts.

export const group = 'externalbackend.io';
export const crdVersion = 'v1alpha1';
export const kind = 'ExternalBackend';
export const plural = 'externalbackends';
export const apiVersion = `${group}/${crdVersion}`;

export const specSchema = withRules(specShape, [...specRules, endpointsRule, ...modeRules, ...roleRules]);

const isServiceName = new RegExp(serviceName);

/** Rule of the whole resource: without `services`, the only Service has the name of the resource. */
export const nameRule: Rule<{
  readonly metadata: { readonly name: string };
  readonly spec: { readonly services?: unknown };
}> = {
  holds: ({ metadata, spec }) => spec.services !== undefined || isServiceName.test(metadata.name),
  cel: `has(self.spec.services) || self.metadata.name.matches(${celString(serviceName)})`,
  message:
    'metadata.name must be a Service name (at most 63 lower-case letters, digits and -, starting with a letter) if services is not set: rename the resource, or set services[].name',
};

export {
  conditionSchema,
  defaultDns,
  dnsSchema,
  healthStates,
  httpGetSchema,
  maintenanceWindowSchema,
  portSchema,
  probeSchema,
  serviceSchema,
  statusSchema,
  targetSchema,
  unseenStatus,
  type Dns,
  type HealthState,
  type Port,
};

export type Spec = Omit<z.output<typeof specSchema>, 'targets'> & { readonly targets: readonly Target[] };
/**
 * One target. `maintenance` is no field of the resource: each run sets it to the action of the maintenance windows that
 * apply to the target.
 */
export type Target = z.output<typeof targetSchema> & { readonly maintenance?: MaintenanceAction };
export type MaintenanceAction = (typeof maintenanceActions)[number];
export type ProbeSpec = z.output<typeof probeSchema>;
export type HttpGet = z.output<typeof httpGetSchema>;
export type ServiceSpec = z.output<typeof serviceSchema>;
export type MaintenanceWindowSpec = z.output<typeof maintenanceWindowSchema>;
export type Status = z.output<typeof statusSchema>;
export type Condition = z.output<typeof conditionSchema>;

/** An ExternalBackend whose whole spec was parsed without a problem. */
export interface Backend {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly spec: Spec;
  /** Stored status; undefined if there is none or it cannot be parsed. */
  readonly status: Status | undefined;
}
