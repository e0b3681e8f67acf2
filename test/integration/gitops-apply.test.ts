import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { threeWayPatches } from '../support/cluster/gitops.ts';
import { manifest, Manifests, sampleManifests } from '../support/builders/manifests.ts';
import type { BackendManifest, StoredManifest } from '../support/builders/manifests.ts';
import { parts, partsWithOneField, sharedParts, specWith } from '../support/builders/parts.ts';

// What is applied is what is stored: for every sample and every part of the schema as `{}`, and for every part that is
// emptied. No operator runs.

const plane = controlPlane();
const opened: string[] = [];
const rootDefaults = { mode: 'Endpoints', failbackSeconds: 30, suspend: false };

const emptyParts = parts().map((path, i) => manifest(`part-${i}`, specWith(path, {})));
/** One field is enough for each part. */
const byPart = [...Map.groupBy(partsWithOneField(), ({ part }) => part).values()].flatMap(
  ([first]) => first ?? [],
);
const oneField = byPart.map(({ part, full, empty }, i) => ({
  part,
  full: manifest(`field-${i}`, full),
  empty: manifest(`field-${i}`, empty),
}));
const all: readonly BackendManifest[] = [...sampleManifests(), ...emptyParts];

const allAre = (word: string) => all.map(() => word);
const expected = (manifests: readonly BackendManifest[]) =>
  manifests.map(({ metadata, spec }) => [metadata.name, { ...rootDefaults, ...spec }]);

async function open(prefix: string): Promise<Manifests> {
  const ns = await namespace(plane, prefix);
  opened.push(ns);
  return new Manifests(plane, ns);
}

const specsIn = async (here: Manifests, manifests: readonly BackendManifest[]) =>
  (await here.stored(manifests)).map(({ metadata, spec }) => [metadata.name, spec]);

afterAll(async () => {
  for (const ns of opened) await api(plane).delete('Namespace', ns);
});

describe('client-side apply', () => {
  let here: Manifests;
  beforeAll(async () => {
    here = await open('gitops-client');
    await here.apply(all);
  });

  it('stores each manifest as it is', async () => {
    expect(await specsIn(here, all)).toEqual(expected(all));
  });

  it('reports each one as unchanged the second time, and kubectl diff is empty', async () => {
    expect(await here.apply(all)).toEqual(allAre('unchanged'));
    expect(await here.diff(all)).toBe('');
  });

  it('has an empty three-way merge, as Argo CD computes it', async () => {
    const merges = (await here.stored(all)).map((current, i) => {
      const original = lastApplied(current);
      return { original, modified: { ...original, spec: all[i]?.spec }, current };
    });
    expect(await threeWayPatches(merges)).toEqual(all.map(() => ({})));
  });

  it('changes nothing when it is replaced by server-side apply, however often', async () => {
    await here.serverSide(all, 'kubectl');
    const versions = await here.versions(all);
    for (const _ of [1, 2])
      expect(await here.serverSide(all, 'kubectl')).toEqual(allAre('serverside-applied'));
    expect(await here.versions(all)).toEqual(versions);
    expect(await specsIn(here, all)).toEqual(expected(all));
  });

  it('changes nothing when it replaces server-side apply', async () => {
    await here.apply(all);
    expect(await here.apply(all)).toEqual(allAre('unchanged'));
    expect(await specsIn(here, all)).toEqual(expected(all));
  });
});

const lastApplied = ({ metadata }: StoredManifest): object =>
  JSON.parse(metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '{}') as object;

describe('server-side apply', () => {
  let here: Manifests;
  beforeAll(async () => {
    here = await open('gitops-server');
    // The first write after the creation stores the default of the status too.
    for (const _ of [1, 2]) await here.serverSide(all, 'argocd-controller');
  });

  it('writes nothing again, and its diff is empty', async () => {
    const versions = await here.versions(all);
    await here.serverSide(all, 'argocd-controller');
    expect(await here.versions(all)).toEqual(versions);
    expect(await here.diff(all, '--server-side', '--field-manager=argocd-controller')).toBe('');
    expect(await specsIn(here, all)).toEqual(expected(all));
  });

  it('by a second manager causes no conflict, and does not change what the first one applies', async () => {
    await here.serverSide(all, 'kustomize-controller');
    const versions = await here.versions(all);
    await here.serverSide(all, 'argocd-controller');
    await here.serverSide(all, 'kustomize-controller');
    expect(await here.versions(all)).toEqual(versions);
    expect(await specsIn(here, all)).toEqual(expected(all));
  });
});

describe('a part that is emptied', () => {
  const fulls = oneField.map(({ full }) => full);
  const empties = oneField.map(({ empty }) => empty);
  const shared = sharedParts();

  it('becomes {} by client-side apply', async () => {
    const here = await open('gitops-emptied');
    await here.apply(fulls);
    await here.apply(empties);
    expect(await specsIn(here, empties)).toEqual(expected(empties));
    expect(await here.apply(empties)).toEqual(empties.map(() => 'unchanged'));
  });

  it('becomes {} by server-side apply, or for a moment null if it may have several owners', async () => {
    const here = await open('gitops-emptied');
    await here.serverSide(fulls, 'flux');
    await here.serverSide(empties, 'flux');
    const whole = oneField.filter(({ part }) => !shared.includes(part)).map(({ empty }) => empty);
    expect(await specsIn(here, whole)).toEqual(expected(whole));
    await here.serverSide(empties, 'flux');
    expect(await specsIn(here, empties)).toEqual(expected(empties));
    const versions = await here.versions(empties);
    await here.serverSide(empties, 'flux');
    expect(await here.versions(empties)).toEqual(versions);
  });

  it('is accepted when one of two owners empties it', async () => {
    const here = await open('gitops-emptied');
    await here.serverSide(fulls, 'flux');
    await here.serverSide(fulls, 'helm');
    await here.serverSide(empties, 'flux', '--force-conflicts');
    await here.serverSide(empties, 'helm', '--force-conflicts');
    await here.serverSide(empties, 'flux', '--force-conflicts');
    expect(await specsIn(here, empties)).toEqual(expected(empties));
  });
});
