import type { Verdict } from '../../core/probing/verdict.ts';
import { proberFault, unreached } from '../verdict/verdicts.ts';

// Verdicts of both kinds of ICMP socket.

export const wrongFamily = proberFault('the address does not belong to the IP family of the check');
export const sendForbidden = proberFault(
  "a local rule forbids ICMP: check the operator's NetworkPolicy and the node's firewall",
);

export const noReply = (timeoutMs: number): Verdict =>
  unreached('Timeout', `no echo reply within ${String(timeoutMs / 1000)} s`);
