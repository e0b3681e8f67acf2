import { createInterface } from 'node:readline';

import type { KubeObject } from '../../../src/core/kubernetes/objects.ts';
import { pathOf, resources } from '../../../src/kube/client/resources.ts';
import { connect, open } from '../../controlplane/api.ts';
import type { PlaneDetails } from '../../controlplane/details.ts';
import type { Turn } from './conversation.ts';
import { placeOf, type FakeApi } from '../fakes/fake-api.ts';
import { FakeWatches } from '../fakes/fake-watches.ts';

const turn = (name: string, verb: Turn['verb'], content: number): Turn => ({
  ...{ kind: 'EndpointSlice', name, verb, version: 'stored', uid: 'stored', content, dryRun: false },
});

/** Writes of slices. Those with content 1 are left out by the selector. */
export const seenBy = {
  selector: 'content!=content-1',
  first: [turn('a', 'create', 0), turn('b', 'create', 1)],
  turns: [
    ...[turn('a', 'update', 2), turn('a', 'update', 2), turn('a', 'update', 1), turn('a', 'update', 0)],
    ...[turn('b', 'update', 2), turn('b', 'delete', 2), turn('c', 'create', 1), turn('c', 'delete', 1)],
    turn('end', 'create', 0),
  ],
} as const;

interface Line {
  readonly type: string;
  readonly object: KubeObject;
}

const textOf = ({ type, object }: Line): string => `${type} ${object.metadata.name}`;

const query = {
  watch: 'true',
  sendInitialEvents: 'true',
  resourceVersionMatch: 'NotOlderThan',
  allowWatchBookmarks: 'true',
  labelSelector: seenBy.selector,
};

/** Returns the events of a full watch of the real API server during the writes, until the object `end`. */
export async function realWatch(
  plane: PlaneDetails,
  namespace: string,
  write: () => Promise<unknown>,
): Promise<readonly string[]> {
  const path = `${pathOf(resources.EndpointSlice, namespace)}?${new URLSearchParams(query).toString()}`;
  const stream = await open(connect(plane, 'admin'), 'GET', path);
  const seen: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    const event = JSON.parse(line) as Line;
    const isFirst = event.type === 'BOOKMARK' && seen.filter((text) => text === 'BOOKMARK').length === 0;
    if (event.type !== 'BOOKMARK') seen.push(textOf(event));
    if (isFirst) {
      seen.push('BOOKMARK');
      await write();
    }
    if (event.object.metadata.name === 'end') break;
  }
  stream.destroy();
  return seen;
}

/** The same for the fake one. */
export async function fakeWatch(
  api: FakeApi,
  namespace: string,
  write: () => Promise<unknown>,
): Promise<readonly string[]> {
  const watches = new FakeWatches(api);
  const place = placeOf(pathOf(resources.EndpointSlice, namespace));
  if (place === undefined) throw new Error('no slices');
  const seen: string[] = [];
  watches.open({ place, labelSelector: seenBy.selector, from: undefined }, (line) => {
    const event = JSON.parse(line) as Line;
    seen.push(event.type === 'BOOKMARK' ? 'BOOKMARK' : textOf(event));
  });
  await write();
  return seen;
}
