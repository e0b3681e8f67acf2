import { z } from 'zod';
import { distinct, withRules, type Rule } from './rule.ts';

const seconds = z.int32();

const shape = z
  .object({
    minRefreshSeconds: seconds
      .min(1)
      .max(3600)
      .default(5)
      .describe(
        'A name is asked for again after the time to live of its answer, but not sooner than this. 1 to 3600.',
      ),
    maxRefreshSeconds: seconds
      .min(1)
      .max(86400)
      .default(300)
      .describe('A name is asked for again after this long at the latest. 1 to 86400.'),
    families: z
      .array(z.enum(['IPv4', 'IPv6']))
      .min(1)
      .max(2)
      .default(['IPv4', 'IPv6'])
      .meta({
        description: 'The families that names are asked for: IPv4 is A records, IPv6 AAAA records.',
        'x-kubernetes-list-type': 'atomic',
      }),
    staleSeconds: seconds
      .min(0)
      .max(2_592_000)
      .default(0)
      .describe(
        'How long the last good answer stands while the name servers fail (no answer, SERVFAIL, REFUSED). 0: for ever; the addresses are probed all the while. 0 to 2592000 (30 days).',
      ),
    keepSeconds: seconds
      .min(0)
      .max(86400)
      .default(0)
      .describe(
        'How long an address that left the answer stays published while its probes say that it is healthy: for names that rotate through a subset of their addresses. 0: it leaves at once, as a failover needs. 0 to 86400.',
      ),
  })
  .describe('How host names of targets are followed.');

const rules: readonly Rule<z.output<typeof shape>>[] = [
  {
    holds: ({ minRefreshSeconds, maxRefreshSeconds }) => minRefreshSeconds <= maxRefreshSeconds,
    cel: 'self.minRefreshSeconds <= self.maxRefreshSeconds',
    message: 'minRefreshSeconds is greater than maxRefreshSeconds: make it the smaller one',
    field: 'minRefreshSeconds',
  },
  {
    holds: ({ families }) => distinct(families),
    cel: 'self.families.all(one, self.families.exists_one(other, other == one))',
    message: 'families has one family twice: name each once',
    field: 'families',
  },
];

export const dnsSchema = withRules(shape, rules);

export type Dns = z.output<typeof dnsSchema>;

/** What holds where the spec says nothing of it. */
export const defaultDns: Dns = dnsSchema.parse({});
