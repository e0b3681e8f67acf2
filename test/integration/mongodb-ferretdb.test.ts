import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { MongodbHandler } from '../../src/core/probing/check.ts';
import { createMongodb } from '../../src/probe/mongodb/mongodb.ts';
import { forever, tcpCheck } from '../probe/support/checks.ts';
import { startFerretDb } from '../support/servers/ferretdb.ts';
import type { FerretDb } from '../support/servers/ferretdb.ts';
import { useAuthority } from '../probe/support/resources.ts';

const probe = createMongodb();
const authority = useAuthority();
let db: FerretDb;

// Building it takes some minutes the first time.
beforeAll(async () => {
  db = await startFerretDb(authority);
}, 1_200_000);
afterAll(async () => {
  await db.remove();
});

function ask(port: number, handler: Partial<MongodbHandler> = {}) {
  return probe(tcpCheck(port, { handler: { kind: 'mongodb', ...handler } }), forever);
}

const primary = { kind: 'up', reason: 'Responded', message: '', role: 'Primary' };

describe('mongodb against FerretDB', () => {
  it('is up, a lone server being its own primary', async () => {
    expect(await ask(db.port)).toEqual(primary);
  });

  it('is down where a replica set is asked for', async () => {
    expect(await ask(db.port, { setName: 'rs0' })).toMatchObject({ kind: 'down', reason: 'NotServing' });
  });

  it('is up over TLS, with a certificate of its own', async () => {
    const own = authority.issue('DNS:prober');
    const tls = { ca: authority.ca, serverName: 'db.example', certificate: own.cert, key: own.key };
    expect(await ask(db.tlsPort, { tls })).toEqual(primary);
    expect(await ask(db.tlsPort, { tls: { ...tls, serverName: 'other.example' } })).toMatchObject({
      reason: 'TlsFailed',
    });
  });

  it('leaves two lines per probe in the log', async () => {
    const before = db.log().split('\n').length;
    for (let run = 0; run < 100; run += 1) await ask(db.port);
    const lines = db.log().split('\n').length - before;
    console.log(`FerretDB: ${lines} log lines per 100 probes`);
    expect(lines).toBeLessThanOrEqual(210);
  });
});
