import type { KubeClient } from './client.ts';
import { hasStatus } from './errors.ts';
import { repeatsOf } from './event-series.ts';
import type { EventSeries } from './event-series.ts';
import { lanes } from './lanes.ts';
import { pathOf, resources } from './resources.ts';

type Client = Pick<KubeClient, 'request'>;

const sending = { lane: lanes.event, attempts: 1 } as const;

/** Writes what a series has now, by one request: an Event that exists gets its repeats, any other is created. */
export const writeSeries = (client: Client, series: EventSeries): Promise<void> =>
  series.written === 0 ? createEvent(client, series) : patchRepeats(client, series);

async function createEvent(client: Client, series: EventSeries): Promise<void> {
  const body = series.count > 1 ? { ...series.body, series: repeatsOf(series) } : series.body;
  const path = pathOf(resources.Event, series.namespace);
  const { namespace } = series;
  const ask = { verb: 'create', resource: 'events', namespace, path, body, ...sending } as const;
  try {
    await client.request(ask);
  } catch (error) {
    // Its name is its own: a try whose answer was lost has created it.
    if (!hasStatus(error, 409)) throw error;
  }
}

async function patchRepeats(client: Client, series: EventSeries): Promise<void> {
  try {
    await client.request({
      verb: 'patch',
      resource: 'events',
      name: series.name,
      path: pathOf(resources.Event, series.namespace, series.name),
      contentType: 'application/merge-patch+json',
      namespace: series.namespace,
      body: { series: repeatsOf(series) },
      ...sending,
    });
  } catch (error) {
    // The API server keeps Events for an hour, or another client deleted it.
    if (!hasStatus(error, 404)) throw error;
    await createEvent(client, series);
  }
}
