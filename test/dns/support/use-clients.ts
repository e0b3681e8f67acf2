import { afterEach } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDnsClient } from '../../../src/dns/query/client.ts';
import { ManualClock } from '../../support/fakes/manual-clock.ts';
import { ScriptedDns } from '../../support/fakes/scripted-dns.ts';
import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { DnsClient, DnsClientOptions } from '../../../src/dns/query/client.ts';
import type { ReplyBehaviour, Script } from '../../support/fakes/scripted-dns.ts';

export const question: Question = { name: 'db.test', type: 'A' };

export interface Setup extends Partial<DnsClientOptions> {
  readonly resolvConf?: string;
}

/** A client with a clock and a resolv.conf of its own. */
export interface TestClient {
  readonly client: DnsClient;
  readonly clock: ManualClock;
  readonly resolvConfPath: string;
}

/** Starts name servers and clients of one file. */
export interface TestClients {
  readonly aServer: (script: Script | ReplyBehaviour) => Promise<ScriptedDns>;
  readonly aClient: (servers: readonly ScriptedDns[], setup?: Setup) => TestClient;
  /** Asks one server with this behaviour. */
  readonly ask: (script: Script | ReplyBehaviour, asked?: Question, setup?: Setup) => Promise<Answer>;
  /** Adds what is to be done after the test, the last first. */
  readonly atEnd: (end: () => unknown) => void;
}

/** Returns functions that start name servers and clients. These are closed after each test. */
export function useClients(): TestClients {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  const aServer: TestClients['aServer'] = async (script) => {
    const server = await ScriptedDns.start(typeof script === 'function' ? script : () => script);
    ends.push(() => server.close());
    return server;
  };
  const aClient: TestClients['aClient'] = (servers, { resolvConf = '', ...more } = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'dns-client-'));
    const resolvConfPath = join(folder, 'resolv.conf');
    writeFileSync(resolvConfPath, resolvConf);
    const clock = new ManualClock();
    const addresses = servers.map(({ address }) => address);
    const client = createDnsClient({ clock, resolvConfPath, servers: addresses, ...more });
    ends.push(
      () => client.close(),
      () => rmSync(folder, { recursive: true }),
    );
    return { client, clock, resolvConfPath };
  };
  return {
    aServer,
    aClient,
    atEnd: (end) => void ends.push(end),
    ask: async (script, asked = question, setup = {}) =>
      aClient([await aServer(script)], setup).client.resolve(asked),
  };
}
