import { serverText } from '../../../src/dns/query/resolv-conf.ts';
import { a, answer, noData } from '../../support/fakes/scripted-dns.ts';
import type { Answer } from '../../../src/core/resolution/name-state.ts';
import type { Script, ScriptedDns } from '../../support/fakes/scripted-dns.ts';

export const text = (server: ScriptedDns): string => serverText(server.address);
export const records = (ttlMs: number, ...addresses: readonly string[]): Answer => ({
  kind: 'records',
  ttlMs,
  addresses,
  services: [],
});
export const good =
  (address: string): Script =>
  ({ name, type }) =>
    type === 'A' ? answer(a(name, address, 30)) : noData();
