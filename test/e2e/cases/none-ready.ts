import { expect } from '@jest/globals';

import type { Case } from '../scene.ts';

const ips = ['10.20.161.1', '10.20.161.2'] as const;

/** Applications while every probe fails. The servers work: another port is probed. */
export const noneReady: readonly Case[] = [
  {
    title:
      'while every probe fails, Services refuse connections, keep the last server, or open all, as whenNoneReady says',
    namespace: 'none-ready',
    servers: ips.flatMap((address) => [
      { address, port: 5432 },
      { address, port: 8008 },
    ]),
    manifest: `
      apiVersion: externalbackend.io/v1alpha1
      kind: ExternalBackend
      metadata: {name: db}
      spec:
        targets: [{host: ${ips[0]}}, {host: ${ips[1]}}]
        ports: [{port: 5432}]
        probe: {tcpSocket: {}, port: 8008, periodSeconds: 1, failureThreshold: 1}
        services:
          - {name: empty}
          - {name: keep, whenNoneReady: KeepLast}
          - {name: open, whenNoneReady: All}
          - {name: keep-headless, headless: true, whenNoneReady: KeepLast}
          - {name: open-headless, headless: true, whenNoneReady: All}
          - {name: empty-headless, headless: true}`,
    sees: async ({ connect, reaches, resolves, server, summary }) => {
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, ips);
      await server(ips[0], 8008).refuse();
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, [ips[1]]);
      await server(ips[1], 8008).refuse();
      await summary('db', '0/2');
      await reaches('open', 5432, ips);
      await reaches('keep', 5432, [ips[1]]);
      await resolves('keep-headless', [ips[1]]);
      await resolves('open-headless', ips);
      await resolves('empty-headless', []);
      await expect(connect('empty', 5432)).rejects.toThrow();
      await server(ips[0], 8008).listen();
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, [ips[0]]);
      await resolves('keep-headless', [ips[0]]);
      await resolves('open-headless', [ips[0]]);
      await server(ips[1], 8008).listen();
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, ips);
    },
  },
];
