import type { History } from './history.ts';

/** Shortest forms of histories that once broke a rule, by what was wrong. */
export const found: Readonly<Record<string, History>> = {
  'a late write of a former leader was undone after one failure': {
    seed: 104878,
    replicas: 2,
    maxEndpointsPerSlice: 100,
    hasThreads: false,
    secondOpinion: true,
    hasOneWall: false,
    windowsEndAt: 0,
    isolation: { sharePercent: 50, minHosts: 3, canaries: [] },
    hosts: { '10.0.0.1': { state: 'up' }, '10.0.0.2': { state: 'up' }, '10.0.0.3': { state: 'up' } },
    names: {},
    backends: {
      orders: {
        targets: [{ host: '10.0.0.1' }, { host: '10.0.0.2' }],
        ports: [
          { port: 5432, name: 'sql' },
          { port: 6432, name: 'pool' },
        ],
        probe: { periodSeconds: 1, failureThreshold: 3, successThreshold: 2 },
      },
      users: {
        targets: [{ host: '10.0.0.2' }, { host: '10.0.0.3' }],
        ports: [{ port: 5432 }],
        probe: { periodSeconds: 1, failureThreshold: 3, successThreshold: 1 },
      },
    },
    acts: [
      { op: 'atWrite', replica: 'leader', write: 1, when: 'before', then: 'stall', forMs: 5857, at: 7058 },
      { op: 'hosts', ips: ['10.0.0.2'], is: { state: 'refuses' }, at: 7059 },
    ],
  },
  'a tier that was due in less than the resolution of the clock was reconciled without end': {
    seed: 40385,
    replicas: 2,
    maxEndpointsPerSlice: 2,
    hasThreads: false,
    secondOpinion: true,
    hasOneWall: false,
    windowsEndAt: 0,
    isolation: { sharePercent: 50, minHosts: 2, canaries: [] },
    hosts: { '10.0.0.1': { state: 'up' }, '10.0.0.2': { state: 'up' }, '10.0.0.3': { state: 'up' } },
    names: {},
    backends: {
      db: {
        targets: [
          { host: '10.0.0.1', priority: 0 },
          { host: '10.0.0.2', priority: 1 },
          { host: '10.0.0.3', priority: 2 },
        ],
        ports: [{ port: 5432 }],
        probe: { periodSeconds: 1, failureThreshold: 1, successThreshold: 1 },
        failbackSeconds: 8,
        services: [{ name: 'db', whenNoneReady: 'KeepLast' }],
      },
    },
    acts: [
      { op: 'atWrite', replica: 'leader', write: 2, when: 'after', then: 'kill', forMs: 8762, at: 4112 },
      { op: 'hosts', ips: ['10.0.0.1'], is: { state: 'refuses' }, at: 4113 },
      { op: 'hosts', ips: ['10.0.0.3'], is: { state: 'refuses' }, at: 4113 },
      { op: 'hosts', ips: ['10.0.0.1'], is: { state: 'up' }, at: 4685 },
      { op: 'hosts', ips: ['10.0.0.3'], is: { state: 'up' }, at: 4685 },
    ],
  },
};
