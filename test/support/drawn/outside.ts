import fc from 'fast-check';
import type { Check } from '../../../src/core/probing/check.ts';
import { handlerTraits } from '../../../src/core/probing/handler-kinds.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { Verdict } from '../../../src/core/probing/verdict.ts';
import { up } from '../builders/verdicts.ts';

const record = '_pg._tcp.example.com';
const named = 'db5.example.com';

/** Hosts of targets: six literal addresses, a name with two, and an SRV record. */
export const hosts = [
  ...['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', 'fd00::1', 'fd00::2'],
  ...[named, record],
] as const;

export const aliasHosts = ['a.example.com', 'b.example.com', 'c.example.com'] as const;

const zone: Readonly<Record<string, readonly string[]>> = {
  [named]: ['10.0.0.5', 'fd00::5'],
  'db6.example.com': ['10.0.0.6'],
  'a.example.com': ['10.0.1.1', 'fd00:1::1'],
  'b.example.com': ['10.0.1.2', 'fd00:1::2'],
  'c.example.com': ['10.0.1.3', 'fd00:1::3'],
};

/** Returns the answer of the name servers. */
export function answerTo({ name, type }: Question): Answer {
  const services =
    name === record && type === 'SRV'
      ? [{ host: 'db6.example.com', port: 6500, priority: 0, weight: 0 }]
      : [];
  const addresses = (zone[name] ?? []).filter((ip) => ip.includes(':') === (type === 'AAAA'));
  return addresses.length + services.length === 0
    ? { kind: 'none', reason: 'NoAddress', ttlMs: 5_000 }
    : { kind: 'records', addresses: type === 'SRV' ? [] : addresses, services, ttlMs: 5_000 };
}

/** The two addresses of one name are one server. */
export const serverOf = (ip: string): string => (ip === 'fd00::5' ? '10.0.0.5' : ip);

const servers = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1', '10.0.0.5', '10.0.0.6'];

/** The primary, the servers that do not respond, and the lag of a replica. */
export interface Outside {
  readonly primary: string | undefined;
  readonly dead: string | undefined;
  readonly lagSeconds: number;
}

export const outsides: fc.Arbitrary<Outside> = fc.record({
  primary: fc.option(fc.constantFrom(...servers), { nil: undefined }),
  dead: fc.option(fc.constantFrom(...servers, '10.0.1.1'), { nil: undefined }),
  lagSeconds: fc.constantFrom(0, 20),
});

/** Returns the verdict of a probe, with the role if its handler can report it. */
export function verdictOf({ primary, dead, lagSeconds }: Outside, { ip, handler }: Check): Verdict {
  const server = serverOf(ip);
  if (server === dead) return { kind: 'down', reason: 'Refused', message: '' };
  const { reportsRole } = handlerTraits[handler.kind];
  const tells = reportsRole === 'always' || (reportsRole === 'withLogin' && 'credentials' in handler);
  if (!tells) return up;
  return server === primary ? { ...up, role: 'Primary' } : { ...up, role: 'Replica', lagSeconds };
}
