import { beforeEach, describe, expect, it } from '@jest/globals';

import type { AskedCheck } from '../../src/core/isolation/second-opinion.ts';
import type { Check } from '../../src/core/probing/check.ts';
import type { SecretState } from '../../src/core/probing/probe-secrets.ts';
import type { Verdict } from '../../src/core/probing/verdict.ts';
import { Witness } from '../../src/engine/isolation/witness.ts';
import { namespace } from '../support/builders/builders.ts';
import { cancelled, down, timedOut, up } from '../support/builders/verdicts.ts';
import { FakeCluster } from '../support/fakes/fake-cluster.ts';
import { ManualClock } from '../support/fakes/manual-clock.ts';
import { storeBackend } from '../support/fakes/store-backend.ts';

const ip = '10.20.0.11';
const forbidden = '10.20.66.6';
const asked: AskedCheck = { backend: `${namespace}/db`, id: `${ip}|5432|all`, ip, port: 5432, host: ip };
const fault: Verdict = { kind: 'inconclusive', reason: 'ProberFault', message: 'no descriptors' };
const login = { postgres: {} };
const credentials = { secretName: 'login' };
const tls = { caSecret: { name: 'authority', key: 'ca.crt' } };

let clock: ManualClock;
let cluster: FakeCluster;
let secrets: Map<string, SecretState>;
/** Owners of Secrets. */
let followed: Map<string, readonly string[]>;
let probed: Check[];
let verdict: (check: Check) => Verdict | 'hangs' | 'throws';
let witness: Witness;

beforeEach(() => {
  clock = new ManualClock();
  cluster = new FakeCluster();
  secrets = new Map();
  followed = new Map();
  probed = [];
  verdict = () => up;
  witness = new Witness({
    ...{ clock, cache: cluster, autoSelectHandler: false },
    policy: (address) => (address.text === forbidden ? { rule: 'forbidden' } : undefined) as never,
    secrets: {
      state: (_, name) => secrets.get(name),
      follow: (owner, _, names) => {
        if (names.length === 0) followed.delete(owner);
        else followed.set(owner, names);
      },
    },
    probe: async (check, signal) => {
      probed.push(check);
      const outcome = check.handler.kind === 'unready' ? fault : verdict(check);
      if (outcome === 'throws') throw new Error('fault of the prober');
      if (outcome !== 'hangs') return outcome;
      await new Promise((done) => signal.addEventListener('abort', done));
      return cancelled;
    },
  });
  storeBackend(cluster, {}, { name: 'db' });
});

/** Asks, and returns the letters with the milliseconds that they took. */
async function answerTo(checks: readonly AskedCheck[], withinMs = 1_000): Promise<readonly [string, number]> {
  let found: readonly [string, number] | undefined;
  void witness
    .answer({ id: '1', withinMs, isAboutLeader: false, checks })
    .then((letters) => (found = [letters, clock.now()]));
  await clock.advance(withinMs + 100);
  if (found === undefined) throw new Error('no answer');
  expect(followed).toEqual(new Map());
  return found;
}

describe('a replica that is asked about a check', () => {
  it.each<[string, Verdict | 'hangs' | 'throws', string]>([
    ['passes', up, 'r'],
    ['is refused', down, 'd'],
    ['gets no packet', { ...timedOut, isUnreached: true }, 'u'],
    ['was accepted and then hung', timedOut, 'd'],
    ['is not allowed to log in', { kind: 'inconclusive', reason: 'AuthFailed', message: '' }, 'r'],
    ['has no descriptors', fault, '-'],
    ['has a fault of its own', 'throws', '-'],
  ])('that %s answers in one letter', async (_, outcome, letter) => {
    verdict = () => outcome;
    expect(await answerTo([asked])).toEqual([letter, 0]);
  });

  it('probes it once, with the handler and the timeout of the stored spec', async () => {
    storeBackend(cluster, { probe: { ...login, timeoutSeconds: 3 } }, { name: 'db' });
    await answerTo([asked], 3_000);
    expect(probed).toMatchObject([
      { ip, port: 5432, handler: { kind: 'postgres' }, timing: { timeoutMs: 3_000 } },
    ]);
  });

  it.each<[string, Partial<AskedCheck>]>([
    ['of a backend that it does not have', { backend: `${namespace}/other` }],
    ['of a backend that was deleted meanwhile', { backend: '' }],
    ['that the spec does not have', { id: `${ip}|5432|9999/TCP` }],
    ['of an address that the policy refuses', { ip: forbidden }],
    ['of a name instead of an address', { ip: 'db.example.com' }],
  ])('has no opinion and sends nothing to a check %s', async (_, over) => {
    expect(await answerTo([{ ...asked, ...over }])).toEqual(['-', 0]);
    expect(probed).toEqual([]);
  });

  it('answers each check of a question, in its order', async () => {
    verdict = (check) => (check.ip === ip ? down : up);
    const other = { ...asked, ip: '10.20.0.12', id: '10.20.0.12|5432|all' };
    expect(await answerTo([asked, { ...asked, backend: 'no/such' }, other])).toEqual(['d-r', 0]);
  });

  it('answers within the time of the question although a probe goes on', async () => {
    verdict = () => 'hangs';
    const [letters, afterMs] = await answerTo([asked]);
    expect([letters, afterMs]).toEqual(['-', 1_000]);
  });
});

describe('a replica that is asked about a check with Secrets', () => {
  it('probes it when it has read them', async () => {
    storeBackend(cluster, { probe: login, credentials }, { name: 'db' });
    clock.after(300, () => secrets.set('login', { data: { username: 'prober', password: 'secret' } }));
    const [letters, afterMs] = await answerTo([asked]);
    expect([letters, probed.length]).toEqual(['r', 1]);
    expect(afterMs).toBeLessThanOrEqual(320);
    expect(probed).toMatchObject([{ handler: { credentials: { username: 'prober' } } }]);
  });

  it('has no opinion if they are not read within the time of the question', async () => {
    storeBackend(cluster, { probe: login, credentials }, { name: 'db' });
    expect(await answerTo([asked])).toEqual(['-', 1_000]);
    expect(probed).toEqual([]);
  });

  it('probes without a login if it may not read those of a login', async () => {
    storeBackend(cluster, { probe: login, credentials }, { name: 'db' });
    secrets.set('login', { error: 'forbidden' });
    expect(await answerTo([asked])).toEqual(['r', 0]);
    expect(probed[0]?.handler).not.toHaveProperty('credentials');
  });

  it('has no opinion if it may not read those of TLS', async () => {
    storeBackend(cluster, { probe: login, tls }, { name: 'db' });
    secrets.set('authority', { error: 'forbidden' });
    expect(await answerTo([asked])).toEqual(['-', 0]);
  });
});
