import { isIP } from 'node:net';
import type { Check } from '../../core/probing/check.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { cancelled, classifyErrno } from '../verdict/verdicts.ts';
import { pingByDatagram } from './icmp-datagram.ts';
import { createRawIcmp } from './icmp-raw.ts';
import type { LoadPing } from './icmp-raw.ts';
import { loadIcmpAddon, openIcmpSocket } from '../icmp-socket.ts';
import type { IcmpAddon, IcmpSocket } from '../icmp-socket.ts';
import { wrongFamily } from './icmp-verdicts.ts';
import type { Probe } from '../connection/probe.ts';

export interface IcmpOptions {
  /** Loads the addon. Default: the addon in `src/native`. */
  readonly addon?: () => IcmpAddon;
  /** Loads the library for raw sockets. Default: the package net-ping. */
  readonly load?: LoadPing;
  /**
   * Probes through a raw socket. Default: in this thread with the library of `load`, which only one thread of
   * a process can load.
   */
  readonly raw?: Probe;
}

/** Error codes with which the kernel, or a filter of system calls, refuses a datagram socket of ICMP. */
const refusals: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT']);

/**
 * Creates the probe that is up when an echo reply arrives from the probed address.
 *
 * | datagram socket (`net.ipv4.ping_group_range` has our group) | raw socket (CAP_NET_RAW)         | verdict by          |
 * |-------------------------------------------------------------|----------------------------------|---------------------|
 * | opens                                                       | any                              | icmp-datagram.ts    |
 * | is refused, or the addon cannot be loaded                   | opens                            | icmp-raw.ts         |
 * |                                                             | is refused, or cannot be loaded  | inconclusive ProberFault |
 * | fails: no descriptors, no memory, or no such IP family      | any                              | inconclusive ProberFault |
 *
 * The addons are loaded by the first probe, because few operators need them.
 */
export function createIcmp(options: IcmpOptions = {}): { readonly probe: Probe; close(): void } {
  const icmp = new Icmp(options);
  return { probe: (check, signal) => icmp.probe(check, signal), close: () => icmp.close() };
}

class Icmp {
  readonly #load: () => IcmpAddon;
  readonly #raw: { readonly probe: Probe; close(): void };
  #addon: IcmpAddon | 'missing' | undefined;

  constructor({ addon = loadIcmpAddon, load, raw }: IcmpOptions) {
    this.#load = addon;
    const own = createRawIcmp(load === undefined ? {} : { load });
    this.#raw = raw === undefined ? own : { ...own, probe: raw };
  }

  async probe(check: Check, signal: AbortSignal): Promise<Verdict> {
    if (isIP(check.ip) !== (check.family === 'IPv6' ? 6 : 4)) return wrongFamily;
    if (signal.aborted) return cancelled;
    const opened = this.#open(check);
    if ('socket' in opened) return pingByDatagram(opened.socket, check, signal);
    return refusals.has(opened.code) ? this.#raw.probe(check, signal) : classifyErrno(opened);
  }

  close(): void {
    this.#raw.close();
  }

  #open({ family }: Check): IcmpSocket {
    const addon = this.#addonOnce();
    return addon === 'missing' ? { code: 'EPERM' } : openIcmpSocket(addon, family);
  }

  #addonOnce(): IcmpAddon | 'missing' {
    if (this.#addon !== undefined) return this.#addon;
    try {
      this.#addon = this.#load();
    } catch {
      this.#addon = 'missing';
    }
    return this.#addon;
  }
}
