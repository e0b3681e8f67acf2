import { forbiddenRule } from '../../../src/api/forbidden-ranges.ts';
import { parseIp } from '../../../src/api/ip.ts';
import type { Endpoints, EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import type { CreateRule } from './rule.ts';

/** E4: no slice and no Endpoints object contains an address that the address policy refuses. */
export const allowedAddresses: CreateRule = (_, fault) => ({
  written: ({ after, by }) => {
    if (by === undefined || after === undefined) return;
    for (const text of addressesIn(after as EndpointSlice | Endpoints)) {
      const ip = parseIp(text);
      if (ip !== undefined && forbiddenRule(ip) !== undefined)
        fault(`${after.kind} ${after.metadata.name} contains ${text}`);
    }
  },
});

function addressesIn(object: EndpointSlice | Endpoints): readonly string[] {
  if (object.kind === 'EndpointSlice') return (object.endpoints ?? []).flatMap(({ addresses }) => addresses);
  return (object.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [] }) =>
    [...addresses, ...notReadyAddresses].map(({ ip }) => ip),
  );
}
