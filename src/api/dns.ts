import { z } from 'zod';
import { families } from './ip.ts';
import { celOr, distinct, withRules, type Rule } from './rule.ts';

const seconds = z.int32();

const shape = z
  .object({
    minRefreshSeconds: seconds
      .min(1)
      .max(3600)
      .default(5)
      .describe(
        'Minimum seconds between two queries of a name, also if the TTL of its answer is shorter. Also the time between the three negative answers in a row after which the operator removes the addresses of a name. 1 to 3600; at most maxRefreshSeconds. A value below --dns-min-refresh of the operator (default 5 s) counts as that.',
      ),
    maxRefreshSeconds: seconds
      .min(1)
      .max(86400)
      .default(300)
      .describe(
        'Maximum seconds between two queries of a name, also if the TTL of its answer is longer. 1 to 86400.',
      ),
    families: z
      .array(z.enum(families))
      .min(1)
      .max(2)
      .default([...families])
      .meta({
        description:
          'Address families to query: IPv4 means A records, IPv6 means AAAA records. IP addresses in targets are always used.',
        'x-kubernetes-list-type': 'atomic',
      }),
    staleSeconds: seconds
      .min(0)
      .max(2_592_000)
      .default(0)
      .describe(
        'Seconds for which the last good answer remains in use while the name servers fail (no answer, SERVFAIL, REFUSED). Its addresses are still probed. 0 means without limit. 0 to 2592000 (30 days).',
      ),
    keepSeconds: seconds
      .min(0)
      .max(86400)
      .default(0)
      .describe(
        'Seconds for which an address that is no longer in the answer stays published while its probes report it healthy. Use it for names that return a different part of their addresses each time. 0 removes the address at once, which a failover needs. 0 to 86400.',
      ),
  })
  .describe('How host names in targets are re-resolved. Ignored for targets that are IP addresses.');

const rules: readonly Rule<z.output<typeof shape>>[] = [
  {
    holds: ({ minRefreshSeconds, maxRefreshSeconds }) => minRefreshSeconds <= maxRefreshSeconds,
    cel: `${celOr('self', 'minRefreshSeconds', 5)} <= ${celOr('self', 'maxRefreshSeconds', 300)}`,
    message:
      'minRefreshSeconds is greater than maxRefreshSeconds (default 300): lower it, or raise maxRefreshSeconds',
    field: 'minRefreshSeconds',
  },
  {
    holds: ({ families }) => distinct(families),
    cel: '!has(self.families) || self.families.all(one, self.families.exists_one(other, other == one))',
    message: 'families has the same family twice: keep one',
    field: 'families',
  },
];

export const dnsSchema = withRules(shape, rules);

export type Dns = z.output<typeof dnsSchema>;

/** Values that apply if `spec.dns` is not set. */
export const defaultDns: Dns = dnsSchema.parse({});
