import { isDeepStrictEqual } from 'node:util';

import { eventually } from '../eventually.ts';
import type { Spec, World } from './world.ts';

/** Waits until everything of a Service is as for a new backend with that spec; returns both. */
export async function comparedAfresh(
  world: World,
  name: string,
  spec: (service: string) => Spec,
): Promise<{ readonly is: unknown; readonly should: unknown }> {
  const fresh = `${name}-afresh`;
  await world.publish(fresh, spec(fresh));
  const anonymous = async (service: string): Promise<unknown> =>
    JSON.parse(
      JSON.stringify(await world.published(service))
        .replaceAll(fresh, name)
        .replace(/"(uid|externalbackend.io\/applied)":"[^"]*"/g, '"$1":""'),
    );
  // Both, repeatedly: a new Service gets its families from the API server a moment later.
  const both = async () => ({ is: await anonymous(name), should: await anonymous(fresh) });
  const same = ({ is, should }: Awaited<ReturnType<typeof both>>) => isDeepStrictEqual(is, should);
  return eventually(both, same, { deadlineMs: 5_000 }).catch(both);
}
