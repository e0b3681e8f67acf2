import type { Port } from './port.ts';
import { inWords, kindsWhere, probeKinds, type ProbeKind, type ProbeKindTraits } from './probe-kinds.ts';
import { celNamesHandler, namesHandler } from './probe.ts';
import { celOr, type Rule } from './rule.ts';
import type { SpecShape } from './spec-shape.ts';

// Services with a role, and limits of lag, need a probe or targets[].role that reports the role. Without one,
// such a Service would never have an address. Only what can never work is refused:
//
// | probes                                              | credentials | targets[].role | roles           | lag             |
// |-----------------------------------------------------|-------------|----------------|-----------------|-----------------|
// | redis, mongodb                                      | any         | any            | yes             | yes             |
// | postgres, mysql                                     | set         | any            | yes             | yes             |
// | postgres with user, which may need no password      | none        | any            | yes             | yes             |
// | postgres, mysql                                     | none        | none           | no: credentials | no: credentials |
// | any, including tcpSocket and disabled               | any         | set            | yes             | no              |
// | any other, including disabled                       | any         | none           | no: services    | no: services    |
// | none is named, a port selects one of the above      | as above    | as above       | as above        | as above        |
// | none is named, no port selects a database           | any         | none           | no: services    | no: services    |

type Probe = NonNullable<SpecShape['probe']> | NonNullable<Port['probe']>;

const alone = kindsWhere(({ reportsRole }) => reportsRole === 'always');
const loggedIn = kindsWhere(({ reportsRole }) => reportsRole === 'withLogin');

const probesOf = ({ probe, ports = [] }: SpecShape): readonly (Probe | undefined)[] => [
  probe,
  ...ports.map((port) => port.probe),
];

/** Returns true if a probe names one of these handlers, or names none and a port selects one of them. */
const asks = (spec: SpecShape, kinds: readonly ProbeKind[]): boolean =>
  probesOf(spec).some((probe) => kinds.some((kind) => probe?.[kind] !== undefined)) ||
  (choosesSome(spec) && isKnownFor(spec, kinds));

const choosesSome = (spec: SpecShape): boolean =>
  spec.probe === undefined || probesOf(spec).some((probe) => probe !== undefined && !namesHandler(probe));

function isKnownFor({ ports = [], probe }: SpecShape, kinds: readonly ProbeKind[]): boolean {
  const { numbers, protocols } = knownFor(kinds);
  return (
    (typeof probe?.port === 'number' && numbers.includes(probe.port)) ||
    ports.some(({ port, targetPort = port, appProtocol }) =>
      appProtocol === undefined ? numbers.includes(targetPort) : protocols.includes(appProtocol),
    )
  );
}

function knownFor(kinds: readonly ProbeKind[]) {
  const traits = kinds.map((kind): ProbeKindTraits => probeKinds[kind]);
  return {
    numbers: traits.flatMap(({ port }) => port ?? []),
    protocols: traits.flatMap(({ appProtocols }) => appProtocols ?? []),
  };
}

function celAsks(kinds: readonly ProbeKind[]): string {
  const named = (probe: string) => `(${kinds.map((kind) => `has(${probe}.${kind})`).join(' || ')})`;
  const { numbers, protocols } = knownFor(kinds);
  const [inNumbers, inProtocols] = [`in [${numbers.join(', ')}]`, `in ${JSON.stringify(protocols)}`];
  const chooses = `(!has(self.probe) || !(${celNamesHandler('self.probe')}) || (has(self.ports) && self.ports.exists(each, has(each.probe) && !(${celNamesHandler('each.probe')}))))`;
  const known = `((has(self.probe) && has(self.probe.port) && type(self.probe.port) == int && self.probe.port ${inNumbers}) || (has(self.ports) && self.ports.exists(each, has(each.appProtocol) ? each.appProtocol ${inProtocols} : (has(each.targetPort) ? each.targetPort : each.port) ${inNumbers})))`;
  return `((has(self.probe) && ${named('self.probe')}) || (has(self.ports) && self.ports.exists(each, has(each.probe) && ${named('each.probe')})) || (${chooses} && ${known}))`;
}

/** Returns true if a Service needs a role or lag that `targets[].role` does not provide. */
const wantsTelling = ({ services = [], targets }: SpecShape): boolean =>
  services.some(({ maxLagSeconds }) => maxLagSeconds !== undefined) ||
  (services.some(({ role }) => role !== 'Any') && targets.every(({ role }) => role === undefined));

const celWantsTelling = `has(self.services) && (self.services.exists(each, has(each.maxLagSeconds)) || (self.services.exists(each, ${celOr('each', 'role', 'Any')} != 'Any') && !self.targets.exists(each, has(each.role))))`;

const mayLogIn = (spec: SpecShape): boolean =>
  spec.credentials !== undefined || probesOf(spec).some((probe) => probe?.postgres?.user !== undefined);

const celMayLogIn =
  '(has(self.credentials) || (has(self.probe) && has(self.probe.postgres) && has(self.probe.postgres.user)) || (has(self.ports) && self.ports.exists(each, has(each.probe) && has(each.probe.postgres) && has(each.probe.postgres.user))))';

const written = (kinds: readonly ProbeKind[]): string =>
  inWords(
    kinds.map((kind) => `${kind}: {}`),
    'or',
  );

const inEndpoints = "self.mode != 'Endpoints'";

export const roleRules: readonly Rule<SpecShape>[] = [
  {
    holds: (spec) => spec.mode !== 'Endpoints' || !wantsTelling(spec) || asks(spec, [...alone, ...loggedIn]),
    cel: `${inEndpoints} || !(${celWantsTelling}) || ${celAsks([...alone, ...loggedIn])}`,
    message: `services[].role Primary and Replica, and maxLagSeconds, need a probe that reports them: use ${written(loggedIn)} with credentials, ${written(alone)}; for roles without lag, targets[].role is enough`,
    field: 'services',
  },
  {
    holds: (spec) =>
      spec.mode !== 'Endpoints' ||
      !wantsTelling(spec) ||
      mayLogIn(spec) ||
      asks(spec, alone) ||
      !asks(spec, loggedIn),
    cel: `${inEndpoints} || !(${celWantsTelling}) || ${celMayLogIn} || ${celAsks(alone)} || !${celAsks(loggedIn)}`,
    message:
      'credentials is missing: PostgreSQL and MySQL report role and lag only after a login, and services[].role or maxLagSeconds needs them: set credentials: {secretName: …}; for roles without lag, targets[].role is enough',
    field: 'credentials',
  },
];
