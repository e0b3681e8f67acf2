import type { BackendEvent } from './backend-event.ts';

/** Actions of Events that report a change of what is published. */
const publishing: readonly string[] = ['Publish', 'Unpublish', 'Switch'];

/** Returns the Event of a backend with spec.observe: one about a change of what is published reports that it is not written. */
export const whileObserving = (event: BackendEvent): BackendEvent =>
  publishing.includes(event.action)
    ? { ...event, note: `spec.observe is true, so nothing is written: ${event.note}` }
    : event;
