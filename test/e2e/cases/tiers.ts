import type { Case } from '../scene.ts';

const [main, second, backup] = ['10.20.162.1', '10.20.162.2', '10.20.162.3'] as const;

/** Applications of a backend with a backup site. */
export const tiers: readonly Case[] = [
  {
    title: 'connections and names lead to the first tier with a ready server, to the next one, and back',
    namespace: 'tiers',
    servers: [main, second, backup].map((address) => ({ address, port: 5432 })),
    manifest: `
      apiVersion: externalbackend.io/v1alpha1
      kind: ExternalBackend
      metadata: {name: db}
      spec:
        targets: [{host: ${main}}, {host: ${second}}, {host: ${backup}, priority: 1}]
        ports: [{port: 5432}]
        probe: {periodMilliseconds: 200, timeoutMilliseconds: 200, failureThreshold: 1}
        failbackSeconds: 2
        services: [{name: db}, {name: db-headless, headless: true}]`,
    sees: async ({ reaches, resolves, server }) => {
      await reaches('db', 5432, [main, second]);
      await resolves('db-headless', [main, second]);
      await server(main).refuse();
      await reaches('db', 5432, [second]);
      await server(second).refuse();
      await reaches('db', 5432, [backup]);
      await resolves('db-headless', [backup]);
      await server(second).listen();
      await reaches('db', 5432, [second]);
      await server(main).listen();
      await reaches('db', 5432, [main, second]);
      await resolves('db-headless', [main, second]);
    },
  },
];
