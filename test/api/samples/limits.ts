import {
  endpoints,
  alias,
  addresses,
  names,
  services,
  probedPorts,
  type BadSample,
  type GoodSample,
  type Fields,
} from './builders.ts';

const tooManyEndpoints: readonly (readonly [name: string, spec: Fields])[] = [
  ['501 targets and 16 Services', endpoints({ targets: addresses(501), services: services(16) })],
  [
    '251 targets, 16 Services, a probed port and another one',
    endpoints({
      targets: addresses(251),
      services: services(16),
      ports: [...probedPorts(1), { name: 'a', port: 99 }],
    }),
  ],
  [
    '251 names, 16 Services and 2 probed ports',
    endpoints({ targets: names(251), services: services(16), ports: probedPorts(2) }),
  ],
  ['251 targets and 32 probed ports', endpoints({ targets: addresses(251), ports: probedPorts(32) })],
  [
    '16 targets, 16 Services, 31 probed ports and another one',
    endpoints({
      targets: addresses(16),
      services: services(16),
      ports: [...probedPorts(31), { name: 'a', port: 99 }],
    }),
  ],
  ['an alias of 251 names with 32 probed ports', alias({ targets: names(251), ports: probedPorts(32) })],
];

export const overLimits: readonly BadSample[] = [
  ...tooManyEndpoints.map(([name, spec]) => ({
    name: `more than 8000 endpoints: ${name}`,
    spec,
    field: 'spec.targets',
    message: 'multiply to more than 8000 endpoints',
    admissionOnly: true as const,
  })),
];

export const atLimits: readonly GoodSample[] = [
  {
    name: '8000 endpoints of 500 targets and 16 Services',
    spec: endpoints({ targets: addresses(500), services: services(16) }),
  },
  {
    name: '8000 endpoints of 250 targets and 32 probed ports',
    spec: endpoints({ targets: addresses(250), ports: probedPorts(32) }),
  },
  {
    name: '7680 endpoints of 15 targets, 16 Services, 30 probed ports and two others',
    spec: endpoints({
      targets: addresses(15),
      services: services(16),
      ports: [...probedPorts(30), { name: 'a', port: 98 }, { name: 'b', port: 99 }],
    }),
  },
  {
    name: 'an alias of 512 names with 16 Services',
    spec: alias({ targets: names(512), services: services(16) }),
  },
];
