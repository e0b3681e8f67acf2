import { kubectl } from '../../controlplane/kubectl.ts';
import type { Case } from '../scene.ts';

const ips = ['10.20.161.1', '10.20.161.2'] as const;

const noneReadyEdits = 'none-ready-edits';
const edited = ['10.20.163.1', '10.20.163.2'] as const;

const manifestOf = (policy: string, targets = edited.map((host) => `{host: ${host}}`).join()): string => `
  apiVersion: externalbackend.io/v1alpha1
  kind: ExternalBackend
  metadata: {name: db}
  spec:
    targets: [${targets}]
    ports: [{port: 5432}]
    probe: {tcpSocket: {}, port: 8008, periodSeconds: 1, failureThreshold: 1}
    services:
      - {name: db, whenNoneReady: ${policy}}
      - {name: db-headless, headless: true, whenNoneReady: ${policy}}`;

/** Applications while every probe fails. The servers work: another port is probed. */
export const noneReady: readonly Case[] = [
  {
    title:
      'while every probe fails, Services refuse connections, keep the last server, or open all, by whenNoneReady',
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
    sees: async ({ reaches, reachesNothing, resolves, server, summary }) => {
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
      await reachesNothing('empty', 5432);
      await server(ips[0], 8008).listen();
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, [ips[0]]);
      await resolves('keep-headless', [ips[0]]);
      await resolves('open-headless', [ips[0]]);
      await server(ips[1], 8008).listen();
      for (const name of ['empty', 'keep', 'open']) await reaches(name, 5432, ips);
    },
  },
  {
    title:
      'while every probe fails, an application follows each edit of whenNoneReady, a drain and a removed target at once',
    namespace: noneReadyEdits,
    servers: edited.flatMap((address) => [
      { address, port: 5432 },
      { address, port: 8008 },
    ]),
    manifest: manifestOf('KeepLast'),
    sees: async ({ reaches, reachesNothing, resolves, server, summary, plane }) => {
      const edit = (...of: Parameters<typeof manifestOf>) =>
        kubectl(plane, ['apply', '-n', noneReadyEdits, '-f', '-'], { stdin: manifestOf(...of) });
      await reaches('db', 5432, edited);
      await server(edited[0], 8008).refuse();
      await reaches('db', 5432, [edited[1]]);
      await server(edited[1], 8008).refuse();
      await summary('db', '0/2');
      await reaches('db', 5432, [edited[1]]);
      await edit('All');
      await reaches('db', 5432, edited);
      await resolves('db-headless', edited);
      await edit('KeepLast', `{host: ${edited[0]}}, {host: ${edited[1]}, drain: true}`);
      await reaches('db', 5432, [edited[0]]);
      await resolves('db-headless', [edited[0]]);
      await edit('KeepLast', `{host: ${edited[1]}}`);
      await resolves('db-headless', []);
      await reachesNothing('db', 5432);
      await edit('All', `{host: ${edited[1]}}`);
      await reaches('db', 5432, [edited[1]]);
      await edit('Empty', `{host: ${edited[1]}}`);
      await resolves('db-headless', []);
      await reachesNothing('db', 5432);
    },
  },
];
