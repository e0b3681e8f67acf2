import { isDeepStrictEqual } from 'node:util';

import { eventually } from './world.ts';
import type { Spec, World } from './world.ts';

/** Waits until everything of a Service is as a backend made afresh with that spec has it; answers with both. */
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
  const should = await anonymous(fresh);
  const same = (now: unknown) => isDeepStrictEqual(now, should);
  const is = await eventually(() => anonymous(name), same, 5_000).catch(() => anonymous(name));
  return { is, should };
}
