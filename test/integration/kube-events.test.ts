import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/core/kubernetes/objects.ts';
import type { BackendEvent } from '../../src/core/events/backend-event.ts';
import type { KubeClient } from '../../src/kube/client/client.ts';
import { EventWriter } from '../../src/kube/events/event-writer.ts';
import { systemClock, systemRandom } from '../../src/system-clock.ts';
import { api } from '../controlplane/api.ts';
import type { Api } from '../controlplane/api.ts';
import { namespace } from '../controlplane/cluster.ts';
import { controlPlane } from '../controlplane/details.ts';
import { clientFor, silent } from '../kube/support/connect.ts';
import { until } from '../support/eventually.ts';

describe('EventWriter on a real API server', () => {
  let admin: Api;
  let client: KubeClient;
  let sink: EventWriter;
  let space: string;
  let results: string[];

  beforeAll(() => {
    admin = api(controlPlane());
    client = clientFor(controlPlane());
  });
  afterAll(() => client.close());
  beforeEach(async () => {
    space = await namespace(controlPlane(), 'events');
    results = [];
    sink = new EventWriter({
      client,
      clock: systemClock,
      random: systemRandom,
      logger: silent,
      instance: 'operator-0',
      observer: { eventRecorded: (result) => results.push(result) },
    });
  });
  afterEach(() => sink.stop());

  const backend = (name = 'db'): KubeObject => ({
    apiVersion: 'externalbackend.io/v1alpha1',
    kind: 'ExternalBackend',
    metadata: { name, namespace: space, uid: `uid-${name}` },
  });
  const down: BackendEvent = {
    type: 'Warning',
    reason: 'Refused',
    action: 'Publish',
    note: '10.20.0.11:5432 is not ready: connection refused',
  };
  const events = () => admin.list('Event', space);

  it('writes one Event with its reporter, note and backend', async () => {
    sink.record(backend(), down);
    await until('it is written', () => results.length === 1);
    expect(await events()).toMatchObject([
      {
        ...down,
        reportingController: 'externalbackend.io/operator',
        reportingInstance: 'operator-0',
        regarding: {
          apiVersion: 'externalbackend.io/v1alpha1',
          kind: 'ExternalBackend',
          name: 'db',
          namespace: space,
          uid: 'uid-db',
        },
      },
    ]);
  });

  it('writes repeats as one series', async () => {
    for (let at = 0; at < 3; at += 1) {
      sink.record(backend(), down);
      await until('it is written', () => results.length === at + 1);
    }
    const written = await events();
    expect(written).toHaveLength(1);
    expect(written[0]?.series).toEqual({
      count: 3,
      lastObservedTime: expect.stringMatching(/\.\d{6}Z$/) as unknown,
    });
  });

  it('creates the Event again when another client has deleted it', async () => {
    sink.record(backend(), down);
    await until('it is written', () => results.length === 1);
    await admin.deleteAll('Event', space);
    sink.record(backend(), down);
    await until('it is written again', () => results.length === 2);
    expect(await events()).toMatchObject([{ reason: 'Refused', series: { count: 2 } }]);
  });

  it('writes a burst of one backend at its rate, and the Events of others meanwhile', async () => {
    for (let at = 0; at < 60; at += 1) sink.record(backend('loud'), { ...down, note: `change ${at}` });
    sink.record(backend('quiet'), down);
    const written = () => results.filter((result) => result === 'written').length;
    await until('the burst is written', () => written() >= 26);
    const names = (await events()).map((event) => event.regarding?.name);
    expect(names.filter((name) => name === 'loud').length).toBeGreaterThanOrEqual(25);
    expect(names).toContain('quiet');
  });

  it('cuts a note to the length that the API server accepts', async () => {
    sink.record(backend(), { ...down, note: 'ü'.repeat(2_000) });
    await until('it is written', () => results.length === 1);
    expect(results).toEqual(['written']);
    expect((await events())[0]?.note).toMatch(/^ü{500,}…$/);
  });

  it('counts Events that the API server refuses, and goes on', async () => {
    const elsewhere = { ...backend('lost').metadata, namespace: 'no-such-namespace' };
    const lost = { ...backend('lost'), metadata: elsewhere };
    sink.record(lost, down);
    sink.record(backend(), down);
    await until('both came to an end', () => results.length === 2);
    expect(results.toSorted()).toEqual(['failed', 'written']);
  });
});
