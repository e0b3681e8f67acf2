import { expect, it } from '@jest/globals';
import { CatchUp } from '../../../src/kube/cache/catch-up.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { silent } from '../support/connect.ts';

it('reports resources without an answer for 30 s, once in the log, until they are read', async () => {
  const clock = new ManualClock();
  const warnings: unknown[] = [];
  const logger = { ...silent, warn: (_: string, fields: unknown) => void warnings.push(fields) };
  const catchUp = new CatchUp({ clock, logger });
  const slices = Promise.withResolvers<undefined>();
  const watches = [
    { resource: 'services', caughtUp: () => Promise.resolve() },
    { resource: 'endpointslices', caughtUp: () => slices.promise },
  ];
  const done = catchUp.wait('shop', watches, new AbortController().signal);
  await clock.advance(29_000);
  expect(catchUp.lateIn('shop')).toEqual([]);
  await clock.advance(600_000);
  expect([catchUp.lateIn('shop'), catchUp.lateIn('bank')]).toEqual([['endpointslices'], []]);
  expect(warnings).toEqual([{ namespace: 'shop', resources: ['endpointslices'] }]);
  slices.resolve(undefined);
  await done;
  expect([catchUp.lateIn('shop'), clock.armed]).toEqual([[], 0]);
});
