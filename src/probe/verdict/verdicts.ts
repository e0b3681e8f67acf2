import { lookUp } from '../../core/look-up.ts';
import type { Reason } from '../../core/probing/reasons.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { cleanMessage } from './message.ts';

/** Creates a verdict. It is frozen, so that all probes can share constants. */
export function verdict(kind: Verdict['kind'], reason: Reason, message = ''): Verdict {
  return Object.freeze({ kind, reason, message: cleanMessage(message) });
}

/**
 * Creates a `down` verdict without a packet of the host. The stage of the run and the errno decide what a `down`
 * verdict shows:
 *
 * | end of the run                                                      | evidence  |
 * |---------------------------------------------------------------------|-----------|
 * | refused (RST to the SYN), reset or closed at any stage              | reached   |
 * | any answer of a protocol, also of another one; a TLS alert          | reached   |
 * | accepted, then silent (`securing` and all later stages)             | reached   |
 * | an echo reply, also one that does not match                         | reached   |
 * | `connecting`: no answer to the SYN (the timeout, or ETIMEDOUT)      | unreached |
 * | EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, ENONET, ENOPROTOOPT | unreached |
 * | ICMP: no echo reply, or an ICMP error                               | unreached |
 *
 * The sender of an ICMP error is not known: it may be the host, a router or this node.
 */
export function unreached(reason: 'Unreachable' | 'Timeout', message = ''): Verdict {
  return Object.freeze({ ...verdict('down', reason, message), isUnreached: true });
}

export const connected = verdict('up', 'Connected');
export const responded = verdict('up', 'Responded');
export const timedOut = verdict('down', 'Timeout');
export const closedEarly = verdict('down', 'ClosedEarly');
export const unreachable = unreached('Unreachable');
export const cancelled = verdict('inconclusive', 'Cancelled');

export const proberFault = (message: string): Verdict => verdict('inconclusive', 'ProberFault', message);

const reset = verdict('down', 'Reset');
const forbidden = proberFault(
  "a local rule forbids the connection: check the operator's NetworkPolicy and the node's firewall",
);

/**
 * Verdicts by errno of connect, read or write. An answer of the target, or of the network on the way to it,
 * is `down`, because the kubelet counts every failed dial. A lack of resources in this process or its node is
 * a fault of the prober.
 *
 * | errno                                | verdict                  |
 * |--------------------------------------|--------------------------|
 * | refused by the target                | down Refused             |
 * | no route to the target               | down Unreachable         |
 * | no answer within the kernel's time   | down Timeout             |
 * | cut by the target or on the route    | down Reset               |
 * | resources, addresses or rights that we lack | inconclusive ProberFault |
 * | anything else                        | inconclusive ProberFault |
 */
const byErrno: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: verdict('down', 'Refused'),
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EHOSTDOWN: unreachable,
  ENETDOWN: unreachable,
  ENONET: unreachable,
  ENOPROTOOPT: unreachable,
  ETIMEDOUT: timedOut,
  ECONNRESET: reset,
  ECONNABORTED: reset,
  ENETRESET: reset,
  EPIPE: reset,
  EMFILE: proberFault("no file descriptors left: raise the operator's limit of open files (ulimit -n)"),
  ENFILE: proberFault('the node has no file handles left: raise fs.file-max'),
  ENOMEM: proberFault("no memory left for sockets: raise the operator's memory limit"),
  ENOBUFS: proberFault('no socket buffers left: raise the memory of the node or its net.ipv4.tcp_mem'),
  EADDRNOTAVAIL: proberFault(
    'no free source address or port: check the IP families and net.ipv4.ip_local_port_range',
  ),
  EAFNOSUPPORT: proberFault("the operator's pod has no network for this IP family"),
  EACCES: forbidden,
  EPERM: forbidden,
};

/**
 * Returns the verdict of a failed system call, by its code alone: texts differ between platforms and may
 * quote anything.
 */
export function classifyErrno(error: unknown): Verdict {
  const code = codeOf(error);
  return lookUp(byErrno, code) ?? proberFault(`unexpected error ${code || 'without a code'}`);
}

/**
 * Returns the `code` of a Node error, or an empty string. A code of OpenSSL may have a slash:
 * ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
 */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[\w/]{1,60}$/.test(code) ? code : '';
}
