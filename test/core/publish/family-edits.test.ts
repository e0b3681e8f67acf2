import { describe, expect, it } from '@jest/globals';

import type { Family } from '../../../src/core/kubernetes/objects.ts';
import { aBackend } from '../../support/builders/builders.ts';
import { Stage, service } from '../support/plan-stage.ts';

type Fields = Readonly<Record<string, unknown>>;

const policies = [undefined, 'SingleStack', 'PreferDualStack', 'RequireDualStack'];
const lists = [undefined, ['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']];

/** Every headless Service that the schema accepts, of these fields. */
const forms: readonly Fields[] = [undefined, { app: 'x' }].flatMap((selector) =>
  lists.flatMap((ipFamilies) =>
    policies
      .filter((policy) => ipFamilies?.length !== 2 || policy?.endsWith('DualStack') === true)
      .map((ipFamilyPolicy) => ({ headless: true, selector, ipFamilies, ipFamilyPolicy })),
  ),
);

const targets = [{ host: '10.0.0.1' }, { host: 'fd00::1' }];

/** Plans and writes until nothing is left to write. Returns the families, or that they are refused. */
async function settled(stage: Stage, fields: Fields): Promise<unknown> {
  const backend = aBackend({ ...service(fields), targets });
  for (let pass = 1; pass <= 3; pass += 1) {
    const { actions } = stage.plan(backend);
    if (actions.length === 0) {
      const { ipFamilies, ipFamilyPolicy } = stage.observed().service?.spec ?? {};
      return { ipFamilies, ipFamilyPolicy, addresses: stage.addresses.toSorted() };
    }
    if ((await stage.perform(actions)) !== undefined) return 'refused';
  }
  return 'written for ever';
}

const stageOf = (families: readonly Family[]): Stage => {
  const stage = new Stage();
  stage.cluster.families = families;
  return stage;
};

/** Returns what a new Service of these fields becomes. */
const fresh = async (families: readonly Family[], fields: Fields): Promise<string> =>
  JSON.stringify(await settled(stageOf(families), fields));

/** Edits a Service. Returns the differences from a new one; it may keep its first family if the spec has none. */
async function wrongAfter(
  families: readonly Family[],
  [first, last]: readonly [Fields, Fields],
): Promise<unknown> {
  const stage = stageOf(families);
  if ((await settled(stage, first)) === 'refused') return undefined;
  const kept = stage.observed().service?.spec.ipFamilies?.slice(0, 1);
  const edited = JSON.stringify(await settled(stage, last));
  const should = await fresh(families, last);
  const isKept =
    last['ipFamilies'] === undefined && edited === (await fresh(families, { ...last, ipFamilies: kept }));
  return edited === should || isKept ? undefined : { first, last, edited, should };
}

describe('a headless Service whose spec is edited', () => {
  it.each<readonly [readonly Family[]]>([[['IPv4']], [['IPv6']], [['IPv4', 'IPv6']], [['IPv6', 'IPv4']]])(
    'has the families and addresses of a new one, or is refused as a new one, after any edit in a cluster of %j',
    async (families) => {
      const edits = forms.flatMap((first) => forms.map((last) => [first, last] as const));
      const wrong = await Promise.all(edits.map((edit) => wrongAfter(families, edit)));
      expect(wrong.filter((each) => each !== undefined)).toEqual([]);
    },
  );
});
