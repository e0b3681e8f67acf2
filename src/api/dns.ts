import { z } from 'zod';
import { celOr, distinct, withRules, type Rule } from './rule.ts';

const seconds = z.int32();

const shape = z
  .object({
    minRefreshSeconds: seconds
      .min(1)
      .max(3600)
      .default(5)
      .describe(
        'The shortest time between two queries of a name, whatever the time to live of its answer. Also the time between the three denials that make the operator believe that a name is gone. 1 to 3600; at most maxRefreshSeconds. At least --dns-min-refresh of the operator (5 s) counts.',
      ),
    maxRefreshSeconds: seconds
      .min(1)
      .max(86400)
      .default(300)
      .describe(
        'The longest time between two queries of a name, whatever the time to live of its answer. 1 to 86400.',
      ),
    families: z
      .array(z.enum(['IPv4', 'IPv6']))
      .min(1)
      .max(2)
      .default(['IPv4', 'IPv6'])
      .meta({
        description:
          'What names are asked for: IPv4 is A records, IPv6 is AAAA records. IP addresses in targets are used whatever the value.',
        'x-kubernetes-list-type': 'atomic',
      }),
    staleSeconds: seconds
      .min(0)
      .max(2_592_000)
      .default(0)
      .describe(
        'How long the last good answer remains in use while the name servers fail (no answer, SERVFAIL, REFUSED). Its addresses are probed all the while. 0: for ever. 0 to 2592000 (30 days).',
      ),
    keepSeconds: seconds
      .min(0)
      .max(86400)
      .default(0)
      .describe(
        'How long an address that left the answer stays published, as long as its probes say that it is healthy: for names that give another part of their addresses each time. 0: it leaves at once, as a failover needs. 0 to 86400.',
      ),
  })
  .describe('How the host names among the targets are followed. Without effect on addresses.');

const rules: readonly Rule<z.output<typeof shape>>[] = [
  {
    holds: ({ minRefreshSeconds, maxRefreshSeconds }) => minRefreshSeconds <= maxRefreshSeconds,
    cel: `${celOr('self', 'minRefreshSeconds', 5)} <= ${celOr('self', 'maxRefreshSeconds', 300)}`,
    message:
      'minRefreshSeconds is greater than maxRefreshSeconds (300 where it is left out): lower it, or raise maxRefreshSeconds',
    field: 'minRefreshSeconds',
  },
  {
    holds: ({ families }) => distinct(families),
    cel: '!has(self.families) || self.families.all(one, self.families.exists_one(other, other == one))',
    message: 'families has the same family twice: name each once',
    field: 'families',
  },
];

export const dnsSchema = withRules(shape, rules);

export type Dns = z.output<typeof dnsSchema>;

/** What holds where the spec says nothing of it. */
export const defaultDns: Dns = dnsSchema.parse({});
