import type { KubeClient } from '../client/client.ts';
import { hasStatus } from '../client/errors.ts';
import { repeatsOf } from './event-series.ts';
import type { EventSeries } from './event-series.ts';
import { priorities } from '../client/priority-limiter.ts';
import { pathOf, resources } from '../client/resources.ts';

type Client = Pick<KubeClient, 'request'>;

const sending = { priority: priorities.event, attempts: 1 } as const;

/**
 * Writes the present state of a series by one request: updates the repeats of an existing Event, or creates
 * the Event.
 */
export const writeSeries = (client: Client, series: EventSeries): Promise<void> =>
  series.written === 0 ? createEvent(client, series) : patchRepeats(client, series);

async function createEvent(client: Client, series: EventSeries): Promise<void> {
  const body = series.count > 1 ? { ...series.body, series: repeatsOf(series) } : series.body;
  const path = pathOf(resources.Event, series.namespace);
  const { namespace } = series;
  const request = { verb: 'create', resource: 'events', namespace, path, body, ...sending } as const;
  try {
    await client.request(request);
  } catch (error) {
    // The name is unique, so an earlier attempt whose answer was lost has created it.
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
    // The API server keeps Events for an hour, or another client has deleted the Event.
    if (!hasStatus(error, 404)) throw error;
    await createEvent(client, series);
  }
}
