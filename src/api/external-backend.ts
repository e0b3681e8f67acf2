import { z } from 'zod';

// The single source of truth of the CRD: types, runtime parse, CRD YAML, CEL rules and reference come from here.

export const group = 'externalbackend.io';
export const version = 'v1alpha1';
export const kind = 'ExternalBackend';
export const plural = 'externalbackends';
export const apiVersion = `${group}/${version}`;

export const targetSchema = z.object({
  host: z.string(),
  port: z.int32().min(0).max(65535).default(0),
  name: z.string().optional(),
  zone: z.string().optional(),
  drain: z.boolean().default(false),
});

export const httpGetSchema = z.object({
  path: z.string().default('/'),
  scheme: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
  /** Overrides the Host header and the TLS server name. */
  host: z.string().optional(),
  httpHeaders: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  /** Default: 200 to 399, as the kubelet. */
  expectedStatuses: z.array(z.int32().min(100).max(599)).optional(),
  insecureSkipVerify: z.boolean().default(false),
});

export const probeSchema = z.object({
  tcpSocket: z.object({}).optional(),
  httpGet: httpGetSchema.optional(),
  icmp: z.object({}).optional(),
  disabled: z.object({}).optional(),
  /** Name or number of one of the ports. Only of `spec.probe`, not of `ports[].probe`. */
  port: z.union([z.int32(), z.string()]).optional(),
  initialDelaySeconds: z.int32().min(0).default(0),
  periodSeconds: z.int32().min(1).default(10),
  timeoutSeconds: z.int32().min(1).default(1),
  successThreshold: z.int32().min(1).default(1),
  failureThreshold: z.int32().min(1).default(3),
});

export const portSchema = z.object({
  name: z.string().optional(),
  port: z.int32().min(1).max(65535),
  targetPort: z.int32().min(1).max(65535).optional(),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  appProtocol: z.string().optional(),
  nodePort: z.int32().min(1).max(65535).optional(),
  probe: probeSchema.omit({ port: true }).optional(),
});

export const serviceSchema = z.object({
  name: z.string(),
  type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP'),
  headless: z.boolean().default(false),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  clusterIP: z.string().optional(),
  ipFamilies: z.array(z.enum(['IPv4', 'IPv6'])).optional(),
  ipFamilyPolicy: z.enum(['SingleStack', 'PreferDualStack', 'RequireDualStack']).optional(),
  sessionAffinity: z.enum(['None', 'ClientIP']).optional(),
  sessionAffinityConfig: z
    .object({ clientIP: z.object({ timeoutSeconds: z.int32().min(1).max(86400).optional() }).optional() })
    .optional(),
  internalTrafficPolicy: z.enum(['Cluster', 'Local']).optional(),
  externalTrafficPolicy: z.enum(['Cluster', 'Local']).optional(),
  trafficDistribution: z.string().optional(),
  externalIPs: z.array(z.string()).optional(),
  loadBalancerClass: z.string().optional(),
  loadBalancerSourceRanges: z.array(z.string()).optional(),
  publishNotReadyAddresses: z.boolean().default(false),
  selector: z.record(z.string(), z.string()).optional(),
  adopt: z.boolean().default(false),
});

export const specSchema = z.object({
  mode: z.enum(['Endpoints', 'ExternalName']).default('Endpoints'),
  targets: z.array(targetSchema).min(1).max(512),
  ports: z.array(portSchema).min(1).max(32).optional(),
  probe: probeSchema.optional(),
  /** Omitted: one Service named after the resource. */
  services: z.array(serviceSchema).min(1).max(16).optional(),
  suspend: z.boolean().default(false),
});

export const healthStates = ['unknown', 'healthy', 'unhealthy'] as const;

export const conditionSchema = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.number().optional(),
  lastTransitionTime: z.string(),
  reason: z.string(),
  message: z.string(),
});

export const statusSchema = z.object({
  observedGeneration: z.number().optional(),
  conditions: z.array(conditionSchema).optional(),
  services: z.array(z.object({ name: z.string(), ready: z.int32(), total: z.int32() })).optional(),
  targets: z
    .array(
      z.object({
        host: z.string(),
        port: z.int32().optional(),
        /** Why nothing (or not everything) of this target is published, where it is not a matter of health. */
        message: z.string().optional(),
        addresses: z.array(
          z.object({
            ip: z.string(),
            ready: z.boolean(),
            health: z.enum(healthStates),
            reason: z.string(),
            message: z.string().optional(),
            /** When the health became what it is. */
            since: z.string().optional(),
          }),
        ),
      }),
    )
    .optional(),
  readyAddresses: z.int32().optional(),
  totalAddresses: z.int32().optional(),
  summary: z.string().optional(),
});

export type Spec = z.output<typeof specSchema>;
export type Target = z.output<typeof targetSchema>;
export type Port = z.output<typeof portSchema>;
export type ProbeSpec = z.output<typeof probeSchema>;
export type HttpGet = z.output<typeof httpGetSchema>;
export type ServiceSpec = z.output<typeof serviceSchema>;
export type Status = z.output<typeof statusSchema>;
export type Condition = z.output<typeof conditionSchema>;
export type HealthState = (typeof healthStates)[number];

/** An ExternalBackend that the operator understands whole. */
export interface Backend {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly spec: Spec;
  /** As stored; undefined when absent or not understood. */
  readonly status: Status | undefined;
}
