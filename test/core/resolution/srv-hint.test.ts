import { describe, expect, it } from '@jest/globals';
import { emptyNameState } from '../../../src/core/resolution/name-state.ts';
import { resolve } from '../../../src/core/resolution/resolve-host.ts';
import { hintQuestion, withHint } from '../../../src/core/resolution/srv-hint.ts';
import { aBackend } from '../../support/builders/builders.ts';
import { after, denies, gives, knowing, leadsTo, service } from '../../support/builders/lookups.ts';

const host = 'cluster0.ab1cd.mongodb.net';
const srv = `_mongodb._tcp.${host}`;
const empty = after(denies('NoAddress'));
const nodata = { [`A ${host}`]: empty, [`AAAA ${host}`]: empty };
const mongodb = { ports: [{ port: 27017 }] };

describe('The SRV record of a MongoDB name', () => {
  it.each([
    ['by the port', mongodb, nodata, true],
    ['by the target port', { ports: [{ port: 1, targetPort: 27017 }] }, nodata, true],
    ['by the probe', { ports: [{ port: 1 }], probe: { mongodb: {} } }, nodata, true],
    ['by the probe of a port', { ports: [{ port: 1, probe: { mongodb: {} } }] }, nodata, true],
    ['not of another database', { ports: [{ port: 6379 }] }, nodata, false],
    ['not before the first answer', mongodb, {}, false],
    ['not where the name does not exist', mongodb, { [`A ${host}`]: after(denies()) }, false],
    [
      'not where a family has addresses',
      mongodb,
      { ...nodata, [`A ${host}`]: after(gives('10.0.0.1')) },
      false,
    ],
  ])('is queried for %s', (_, spec, known, isAsked) => {
    const question = hintQuestion(host, aBackend(spec).spec, knowing(known));
    expect(question).toEqual(isAsked ? { name: srv, type: 'SRV' } : undefined);
  });

  it.each(['10.0.0.1', srv])('is not queried when the host is %s', (each) => {
    expect(hintQuestion(each, aBackend(mongodb).spec, () => empty)).toBeUndefined();
  });

  it.each([
    ['exists', after(leadsTo(service('shard0.'))), true],
    ['does not exist', after(denies()), false],
    ['is not known yet', emptyNameState, false],
  ])('that %s gives a hint: %p', (_, state, isHinted) => {
    const lookup = knowing({ ...nodata, [`SRV ${srv}`]: state });
    const { spec } = aBackend(mongodb);
    const dns = { families: ['IPv4', 'IPv6'], staleSeconds: 0, keepSeconds: 0 } as never;
    const { error } = withHint(resolve(host, dns, lookup, 0), host, spec, lookup);
    expect(error?.endsWith(`; for mongodb+srv use the host ${srv}`)).toBe(isHinted);
  });
});
