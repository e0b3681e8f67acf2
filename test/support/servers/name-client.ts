import { createDnsClient } from '../../../src/dns/query/client.ts';
import type { DnsClient } from '../../../src/dns/query/client.ts';
import { systemClock } from '../../../src/system-clock.ts';

/** The DNS client of the operator, with one server. */
export const clientOf = ({ address, port }: { readonly address: string; readonly port: number }): DnsClient =>
  createDnsClient({ clock: systemClock, resolvConfPath: '/dev/null', servers: [{ address, port }] });
