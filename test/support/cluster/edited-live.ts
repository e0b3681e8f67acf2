import { isDeepStrictEqual } from 'node:util';

import { copyOf, type Copy, type LiveEdit } from '../drawn/live.ts';
import { keptFamilies, withKept, type FirstFamilies } from '../drawn/kept-families.ts';
import { serviceNames } from '../drawn/services.ts';
import type { SpecInput } from '../builders/builders.ts';
import { conditionOf } from './world.ts';
import { eventually } from '../eventually.ts';
import type { World } from './world.ts';

const settleMs = 60_000;

const namesOf = ({ prefix }: Copy): readonly string[] =>
  serviceNames.map((name) => name.replace('orders', prefix));

async function publish(world: World, copy: Copy, spec: SpecInput): Promise<void> {
  const name = `${copy.prefix}-db`;
  const { metadata } = await world.apply(name, copyOf(spec, copy));
  await world.backends.until(
    (now) => {
      const ready = conditionOf(now.get(name), 'Ready');
      return ready?.status === 'True' && (ready.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    },
    settleMs,
    `${name} is published: ${JSON.stringify(copyOf(spec, copy))}`,
  );
}

/** Returns everything under the names of a copy, without its prefix and without ids. */
async function stored(world: World, copy: Copy): Promise<unknown> {
  const all = await Promise.all(namesOf(copy).map((name) => world.published(name)));
  const text = JSON.stringify(all)
    .replaceAll(`"${copy.prefix}-`, '"orders-')
    .replace(/"(uid|externalbackend.io\/applied)":"[^"]*"/g, '"$1":""');
  return JSON.parse(text) as unknown;
}

async function firstFamilies(world: World, copy: Copy): Promise<FirstFamilies> {
  const found = await Promise.all(namesOf(copy).map((name) => world.admin.find('Service', name, world.ns)));
  return new Map(serviceNames.map((name, i) => [name, found[i]?.spec.ipFamilies?.[0]]));
}

/**
 * Edits a backend from one spec to the other. Returns the differences from a new backend with the last spec.
 */
export async function editedLive(world: World, [first, second]: LiveEdit, number: number): Promise<unknown> {
  const edited = { prefix: `e${number}`, number: 2 * number };
  const fresh = { prefix: `f${number}`, number: 2 * number + 1 };
  await publish(world, edited, first);
  const before = await firstFamilies(world, edited);
  await publish(world, edited, second);
  await publish(world, fresh, second);
  const [is, made] = await Promise.all([firstFamilies(world, edited), firstFamilies(world, fresh)]);
  const kept = keptFamilies(before, is, made);
  // Under another prefix, because its families are kept too.
  const last = kept.size === 0 ? fresh : { prefix: `g${number}`, number: 2 * number + 1 };
  if (kept.size > 0) {
    await world.admin.delete('ExternalBackend', `${fresh.prefix}-db`, world.ns);
    const rest = () => Promise.all(namesOf(fresh).map((name) => world.admin.find('Service', name, world.ns)));
    await eventually(rest, (all) => all.every((each) => each === undefined), { deadlineMs: settleMs });
    await publish(world, last, withKept(second, kept));
  }
  const both = async () => ({ is: await stored(world, edited), should: await stored(world, last) });
  const same = ({ is: one, should }: Awaited<ReturnType<typeof both>>) => isDeepStrictEqual(one, should);
  return eventually(both, same, { deadlineMs: 15_000 }).then(
    () => undefined,
    async () => ({ specs: [first, second], ...(await both()) }),
  );
}
