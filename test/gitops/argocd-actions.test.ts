import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

import { calendarOfAnnotation } from '../../src/core/maintenance/maintenance-annotation.ts';
import { argoDirectory, backendInState, gitOpsStateNames } from '../support/builders/gitops-states.ts';
import { argoAction, argoActions } from '../support/cluster/gitops.ts';

const directory = `${argoDirectory}/actions`;
const read = (path: string): string => readFileSync(`${directory}/${path}`, 'utf8');
const scriptOf = (action: string): string => read(`${action}/action.lua`);
const annotation = 'externalbackend.io/maintenance';

interface Resource {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly suspend: boolean };
}

async function run(action: string, object: unknown, params = {}, now = 0): Promise<Resource> {
  const [answer] = await argoAction([{ script: scriptOf(action), object, params, now }]);
  if (answer?.object === undefined) throw new Error(answer?.error ?? 'no answer');
  return answer.object as Resource;
}

describe('action_test.yaml', () => {
  interface ActionTest {
    readonly action: string;
    readonly inputPath: string;
    readonly expectedOutputPath?: string;
    readonly expectedErrorMessage?: string;
    readonly parameters?: Readonly<Record<string, string>>;
  }
  const { actionTests } = parse(read('action_test.yaml')) as { readonly actionTests: readonly ActionTest[] };

  it.each(actionTests)('has the result of $action of $inputPath', async (test) => {
    const [answer] = await argoAction([
      { script: scriptOf(test.action), object: parse(read(test.inputPath)), params: test.parameters ?? {} },
    ]);
    const { expectedErrorMessage: error, expectedOutputPath: path } = test;
    expect(answer?.error ?? '').toContain(error ?? '');
    expect(answer?.object).toEqual(path === undefined ? undefined : parse(read(path)));
  });
});

describe('discovery.lua', () => {
  it('offers of each pair of actions the one that changes something', async () => {
    const states = ['healthy', 'suspended', 'maintenance'] as const;
    const offered = await argoActions(read('discovery.lua'), states.map(backendInState));
    const enabled = offered.map((actions) =>
      Object.keys(actions).filter((action) => actions[action]?.disabled !== true),
    );
    expect(enabled.map((actions) => actions.toSorted())).toEqual([
      ['drain', 'suspend'],
      ['resume'],
      ['suspend', 'undrain'],
    ]);
  });

  it('offers actions that have a script, in every state', async () => {
    const offered = await argoActions(read('discovery.lua'), gitOpsStateNames.map(backendInState));
    for (const actions of offered)
      expect(Object.keys(actions).filter((action) => scriptOf(action) === '')).toEqual([]);
  });
});

describe('drain', () => {
  const hours = (now: number, params: Readonly<Record<string, string>>) =>
    run('drain', backendInState('healthy'), params, now).then(
      ({ metadata }) => metadata.annotations?.[annotation] ?? '',
    );

  it('writes a window by hand that the operator takes, and whose end is the time in UTC', async () => {
    const instants = fc.integer({ min: Date.UTC(2026, 0) / 1000, max: Date.UTC(2120, 0) / 1000 });
    await fc.assert(
      fc.asyncProperty(instants, fc.integer({ min: 1, max: 168 }), async (now, length) => {
        const text = await hours(now, { hours: String(length) });
        const end = new Date((now + length * 3600) * 1000).toISOString().replace('.000', '');
        expect(text).toBe(`Drain until ${end}`);
        expect(calendarOfAnnotation(text, []).problems).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it.each(['2028-02-28T23:00:00Z', '2100-02-28T23:30:00Z', '2026-12-31T22:00:01Z'])(
    'has the right date an hour and more after %s',
    async (begin) => {
      const seconds = Date.parse(begin) / 1000;
      const end = new Date((seconds + 7200) * 1000).toISOString().replace('.000', '');
      expect(await hours(seconds, {})).toBe(`Drain until ${end}`);
    },
  );

  it('drains the hosts of its parameter alone', async () => {
    const text = await hours(1_800_000_000, { hosts: '10.20.68.11, 10.20.68.12', hours: '1' });
    expect(text).toBe('Drain 10.20.68.11, 10.20.68.12 until 2027-01-15T09:00:00Z');
    expect(calendarOfAnnotation(text, ['10.20.68.11', '10.20.68.12']).problems).toEqual([]);
  });
});

describe('undrain', () => {
  it('removes the annotation, and leaves others as they are', async () => {
    const drained = backendInState('maintenance') as unknown as Resource;
    const others = { 'argocd.argoproj.io/tracking-id': 'shop:/ExternalBackend:orders-db' };
    const annotations = { ...drained.metadata.annotations, ...others };
    const tracked = { ...drained, metadata: { ...drained.metadata, annotations } };
    expect((await run('undrain', tracked)).metadata.annotations).toEqual(others);
    expect((await run('undrain', drained)).metadata.annotations).toBeUndefined();
  });
});
