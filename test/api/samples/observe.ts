import { alias, endpoints, type BadSample, type GoodSample } from './builders.ts';

export const badObserve: readonly BadSample[] = [
  {
    name: 'observe: a text',
    spec: endpoints({ observe: 'true' }),
    field: 'spec.observe',
    message: 'expected boolean',
    server: 'must be of type boolean',
  },
];

export const goodObserve: readonly GoodSample[] = [
  { name: 'observe: true', spec: endpoints({ observe: true }) },
  { name: 'observe: false', spec: endpoints({ observe: false }) },
  { name: 'observe: an alias', spec: alias({ observe: true }) },
  {
    name: 'observe: with a Service to adopt, and suspended',
    spec: endpoints({ observe: true, suspend: true, services: [{ name: 'db', adopt: true }] }),
  },
];
