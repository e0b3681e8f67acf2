import { probeKindNames } from '../../../src/api/probe-kinds.ts';
import { endpoints, port, probe, type BadSample } from './builders.ts';

/** Fields of a Service or of a container's probe that have another place here, or no meaning. */
export const misplaced: readonly BadSample[] = [
  ...probeKindNames.flatMap((handler) => [
    {
      name: `a port in the handler ${handler}`,
      spec: probe({ [handler]: { port: 8080 } }),
      field: `spec.probe.${handler}.port`,
      message: `write probe.port, next to ${handler}`,
    },
    {
      name: `a port by name in the handler ${handler} of a port`,
      spec: port({ name: 'a', probe: { [handler]: { port: 'a' } } }),
      field: `spec.ports[0].probe.${handler}.port`,
      message: 'ports[].probe has none',
    },
  ]),
  {
    name: 'a host in the handler tcpSocket',
    spec: probe({ tcpSocket: { host: '10.20.0.11' } }),
    field: 'spec.probe.tcpSocket.host',
    message: 'come from targets',
  },
  {
    name: 'a command',
    spec: probe({ exec: { command: ['pg_isready'] } }),
    field: 'spec.probe.exec',
    message: 'the operator runs no commands',
  },
  {
    name: 'a command of a port',
    spec: port({ probe: { exec: {} } }),
    field: 'spec.ports[0].probe.exec',
    message: 'the operator runs no commands',
  },
  {
    name: 'a grace period of a probe',
    spec: probe({ tcpSocket: {}, terminationGracePeriodSeconds: 5 }),
    field: 'spec.probe.terminationGracePeriodSeconds',
    message: 'remove it',
  },
  {
    name: 'the type of a Service in the spec',
    spec: endpoints({ type: 'ClusterIP' }),
    field: 'spec.type',
    message: 'write services',
  },
  {
    name: 'a selector in the spec',
    spec: endpoints({ selector: { app: 'db' } }),
    field: 'spec.selector',
    message: 'write services',
    server: 'unknown field "spec.selector.app"',
  },
  {
    name: 'a cluster IP in the spec',
    spec: endpoints({ clusterIP: 'None' }),
    field: 'spec.clusterIP',
    message: 'headless: true',
  },
  {
    name: 'the name of an alias as a Service has it',
    spec: endpoints({ externalName: 'db.example.com' }),
    field: 'spec.externalName',
    message: 'write mode: ExternalName',
  },
  {
    name: 'a readiness probe as a container has it',
    spec: endpoints({ readinessProbe: { tcpSocket: { port: 5432 } } }),
    field: 'spec.readinessProbe',
    message: 'write spec.probe',
    server: 'unknown field "spec.readinessProbe.tcpSocket"',
  },
  {
    name: 'a liveness probe as a container has it',
    spec: endpoints({ livenessProbe: {} }),
    field: 'spec.livenessProbe',
    message: 'write spec.probe',
  },
  {
    name: 'a port in the probe of a port',
    spec: port({ probe: { port: 5432 } }),
    field: 'spec.ports[0].probe.port',
    message: 'probes its own port',
  },
];
