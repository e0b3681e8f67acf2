import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import {
  agreeingVerdicts,
  argoDirectory,
  backendInState,
  fluxExpressions,
  gitOpsStateNames,
  gitOpsStates,
  healthScript,
} from '../support/builders/gitops-states.ts';
import { tableBelow } from '../support/text/markdown.ts';
import { argoHealths, fluxStatuses, kstatuses } from '../support/cluster/gitops.ts';
import type { ArgoHealth } from '../support/cluster/gitops.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

const objects = gitOpsStateNames.map(backendInState);
const byState = <T>(verdicts: readonly T[]) =>
  Object.fromEntries(gitOpsStateNames.map((state, i) => [state, verdicts[i]]));
const column = (tool: 'kstatus' | 'argo' | 'flux') =>
  byState(gitOpsStateNames.map((state) => gitOpsStates[state][tool]));

describe('The table of states', () => {
  it('has the status of each resource by kstatus, which Flux and Helm use', async () => {
    expect(byState((await kstatuses(objects)).map(({ status }) => status))).toEqual(column('kstatus'));
  });

  it('has the health of each resource by health.lua with the libraries that Argo CD allows', async () => {
    const healths = await argoHealths(healthScript(), objects);
    expect(byState(healths.map(({ status }) => status))).toEqual(column('argo'));
  });

  it('has the status of each resource by healthCheckExprs of Flux', async () => {
    const statuses = await fluxStatuses(fluxExpressions(), objects);
    expect(byState(statuses.map(({ status }) => status))).toEqual(column('flux'));
  });

  it.each(gitOpsStateNames)('has verdicts that agree with each other in state %s', (state) => {
    const { kstatus, argo, flux } = gitOpsStates[state];
    expect(agreeingVerdicts[kstatus]).toContainEqual([argo, flux]);
  });
});

describe('docs/gitops.md', () => {
  it('has a row for each combination of verdicts, and no other', () => {
    const page = read(fileURLToPath(new URL('../../docs/gitops.md', import.meta.url)));
    const documented = tableBelow(page, '## What each tool waits for').map((cells) =>
      cells
        .slice(1)
        .map((cell) => cell.split(',')[0])
        .join(),
    );
    const verdicts = gitOpsStateNames.map((state) => Object.values(gitOpsStates[state]).join());
    expect([...new Set(documented)].toSorted()).toEqual([...new Set(verdicts)].toSorted());
  });
});

describe('health_test.yaml', () => {
  interface HealthTests {
    readonly tests: readonly { readonly inputPath: string; readonly healthStatus: ArgoHealth }[];
  }
  const { tests } = parse(read(`${argoDirectory}/health_test.yaml`)) as HealthTests;

  it('has a test of each state that the script gets', () => {
    // Argo CD does not run the script for a resource that is being deleted.
    const names = gitOpsStateNames.filter((state) => state !== 'deleting');
    expect(tests.map(({ inputPath }) => inputPath).toSorted()).toEqual(
      names.map((state) => `testdata/${state}.yaml`).toSorted(),
    );
  });

  it('has the health and the message of each resource', async () => {
    const inputs = tests.map(({ inputPath }) => parse(read(`${argoDirectory}/${inputPath}`)) as unknown);
    expect(await argoHealths(healthScript(), inputs)).toEqual(tests.map(({ healthStatus }) => healthStatus));
  });
});

describe('A resource that a tool reads early or late', () => {
  const healthy = backendInState('healthy');
  const { status: _, ...bare } = healthy;

  it('without a status is Progressing for Argo CD, and makes Flux wait', async () => {
    const [argo] = await argoHealths(healthScript(), [bare]);
    const [flux] = await fluxStatuses(fluxExpressions(), [bare]);
    expect([argo?.status, flux?.status]).toEqual(['Progressing', 'Unknown']);
  });

  it('with a status of a later version is judged by the conditions that are known', async () => {
    const status = healthy['status'] as { readonly conditions: readonly object[] };
    const more = { type: 'Later', status: 'True', reason: 'Later', message: 'later' };
    const later = {
      ...healthy,
      status: { ...status, conditions: [...status.conditions, more], targets: undefined },
    };
    const [kstatus, argo, flux] = [
      await kstatuses([later]),
      await argoHealths(healthScript(), [later]),
      await fluxStatuses(fluxExpressions(), [later]),
    ].map(([verdict]) => verdict?.status);
    expect([kstatus, argo, flux]).toEqual(['Current', 'Healthy', 'Current']);
  });
});
