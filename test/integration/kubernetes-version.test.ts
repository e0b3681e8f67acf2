import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { versionWarning } from '../../src/kube/client/server-version.ts';
import { controlPlane } from '../controlplane/details.ts';
import { isAtLeast, kubernetesVersion } from '../controlplane/kubernetes-version.ts';
import { plain } from '../support/builders/backends.ts';
import { openWorld } from '../support/cluster/world.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/cluster/world.ts';

let world: World;

beforeAll(async () => {
  world = await openWorld(controlPlane(), { prefix: 'version' });
});

afterAll(() => world.close());

const lines = () => world.operator().lines();

it('the version of the API server is in the log, once, and as a warning where it is not tested', async () => {
  const gitVersion = `v${kubernetesVersion()}`;
  const found = await eventually(
    () => lines().filter(({ version }) => version === gitVersion),
    ({ length }) => length > 0,
  );
  const level = versionWarning(gitVersion) === undefined ? 'info' : 'warn';
  expect(found).toMatchObject([{ level }]);
});

/** Texts with which a version of Kubernetes warns of what the backend below asks for; that of Endpoints is expected. */
const warnings: readonly (readonly [since: string, text: string])[] = [
  ['1.36', 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
  ['1.36', 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
];

it('what the API server warns of is in the log once, whoever asks for it', async () => {
  for (const name of ['one', 'two'])
    await world.publish(
      name,
      plain(['10.20.63.1'], {
        services: [{ name, externalIPs: ['198.51.100.9'], trafficDistribution: 'PreferClose' }],
      }),
    );
  const texts = lines()
    .filter(({ msg }) => msg === 'warning of the API server')
    .map(({ warning }) => String(warning));
  expect(texts.toSorted()).toEqual(warnings.filter(([since]) => isAtLeast(since)).map(([, text]) => text));
});
