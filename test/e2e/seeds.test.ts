import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { outsideNames } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { forgetUnanswered } from '../controlplane/network.ts';
import { applyRbac, startOperator } from '../controlplane/operator.ts';
import type { RunningOperator } from '../controlplane/operator.ts';
import { connections, startTraffic } from './cases/connections.ts';
import { following } from './cases/following.ts';
import { mixed } from './cases/mixed.ts';
import { names } from './cases/names.ts';
import { noneReady } from './cases/none-ready.ts';
import { readiness } from './cases/readiness.ts';
import { roles } from './cases/roles.ts';
import { tiers } from './cases/tiers.ts';
import { types } from './cases/types.ts';
import { zones } from './cases/zones.ts';
import { outside } from './outside.ts';
import { open } from './scene.ts';
import type { Case, Scene } from './scene.ts';

const plane = controlPlane();
const scenes = new Map<Case, Promise<Scene>>();
let operator: RunningOperator;

// All cases are declared at once, as a cluster has them, and looked at one after the other.
beforeAll(async () => {
  forgetUnanswered();
  await applyRbac(plane);
  operator = await startOperator(plane);
  await outsideNames(plane, outside);
  for (const row of [
    ...names,
    ...following,
    ...types,
    ...readiness,
    ...noneReady,
    ...tiers,
    ...connections,
    ...roles,
    ...zones,
    ...mixed,
  ]) {
    const scene = open(plane, row);
    scenes.set(row, scene);
    await scene.catch(() => undefined); // its own test fails with it
  }
}, 60_000);

afterAll(async () => {
  await operator.stop();
});

const see = async (row: Case): Promise<void> => {
  const scene = await scenes.get(row);
  if (scene === undefined) throw new Error('the case was not declared');
  await row.sees(scene);
};

describe('names', () => {
  it.each(names)('$title', see, 30_000);
});

describe('targets that are names', () => {
  it.each(following)('$title', see, 30_000);
});

describe('types of Services', () => {
  it.each(types)('$title', see, 30_000);
});

describe('nobody ready', () => {
  it.each(noneReady)('$title', see, 60_000);
});

describe('tiers', () => {
  it.each(tiers)('$title', see, 30_000);
});

describe('readiness', () => {
  it.each(readiness)('$title', see, 30_000);
});

describe('connections', () => {
  it.each(connections)('$title', see, 40_000);
});

describe('roles', () => {
  it.each(roles)('$title', see, 90_000);
});

describe('zones', () => {
  it.each(zones)('$title', see, 30_000);
});

describe('beside others', () => {
  it.each(mixed)('$title', see, 50_000);
});

describe('the operator', () => {
  it('asked for nothing that its role does not allow, and failed at nothing', () => {
    // It serves the whole cluster, and what other tests left behind there may be on its way out.
    const namespaces = new Set([...scenes.keys()].map(({ namespace }) => namespace));
    const concerns = (backend: unknown): boolean =>
      typeof backend !== 'string' || namespaces.has(backend.split('/')[0] ?? '');
    // The cases use values that Kubernetes deprecates, because older versions have no other ones.
    const isDeprecation = (msg: unknown): boolean => msg === 'warning of the API server';
    const lines = operator
      .lines()
      .filter(({ level, backend }) => level !== 'info' && level !== 'debug' && concerns(backend))
      .filter(({ msg }) => !isDeprecation(msg));
    expect(lines).toEqual([]);
  });

  it('may die and come back: no connection fails meanwhile, and then it prunes again', async () => {
    const spread = types.find(({ namespace }) => namespace === 'spread');
    const scene = spread === undefined ? undefined : await scenes.get(spread);
    if (scene === undefined) throw new Error('there is no such case');
    const all = ['10.20.111.1', '10.20.111.2', '10.20.111.3'];
    await scene.reaches('db', 5432, all);
    const traffic = startTraffic(scene);
    await operator.kill();
    await scene.reaches('db', 5432, all);
    operator = await startOperator(plane);
    await scene.reaches('db', 5432, all);
    expect((await traffic.stop()).filter(({ failed }) => failed)).toEqual([]);
    await scene.server('10.20.111.1').refuse();
    await scene.reaches('db', 5432, ['10.20.111.2', '10.20.111.3']);
  }, 30_000);

  it('may die and come back while every probe fails: what an application reached remains, and nothing else', async () => {
    const row = noneReady.find(({ namespace }) => namespace === 'none-ready');
    const scene = row === undefined ? undefined : await scenes.get(row);
    if (scene === undefined) throw new Error('there is no such case');
    const [first, second] = ['10.20.161.1', '10.20.161.2'] as const;
    await scene.reaches('keep', 5432, [first, second]);
    await operator.kill();
    for (const ip of [first, second]) await scene.server(ip, 8008).refuse();
    await scene.reaches('keep', 5432, [first, second]);
    operator = await startOperator(plane);
    await scene.summary('db', '0/2');
    await scene.resolves('empty-headless', []);
    const kept = await scene.resolve('keep-headless');
    expect(kept.length).toBeGreaterThan(0);
    const seesKept = async (): Promise<void> => {
      await scene.resolves('keep-headless', kept);
      await scene.reaches('keep', 5432, kept);
      await scene.reaches('open', 5432, [first, second]);
      await scene.resolves('empty-headless', []);
    };
    await operator.kill();
    await seesKept();
    operator = await startOperator(plane);
    await seesKept();
    await scene.server(first, 8008).listen();
    for (const name of ['empty', 'keep', 'open']) await scene.reaches(name, 5432, [first]);
  }, 60_000);
});
