import type { Backend } from '../../api/external-backend.ts';
import { parseBackend } from '../../api/parse.ts';
import { parseIp } from '../../api/ip.ts';
import type { AskedCheck, OpinionQuestion } from '../../core/isolation/second-opinion.ts';
import type { Check } from '../../core/probing/check.ts';
import { portGroups } from '../../core/probing/port-groups.ts';
import { isPending, probeSecretsOf, secretNames } from '../../core/probing/probe-secrets.ts';
import { reachOf, type BareVerdict } from '../../core/probing/verdict.ts';
import type { AddressPolicy } from '../../core/resolution/address-policy.ts';
import { sleep } from '../../util/sleep.ts';
import type { Clock } from '../../util/clock.ts';
import type { ClusterCache, ProbeOnceFn, Secrets } from '../ports.ts';

export interface WitnessOptions {
  readonly clock: Clock;
  readonly cache: Pick<ClusterCache, 'backend'>;
  readonly secrets: Secrets;
  readonly policy: AddressPolicy;
  readonly autoSelectHandler: boolean;
  /** Probes in a thread of its own: the server may be hostile, and this replica must be able to lead. */
  readonly probe: ProbeOnceFn;
}

/** Secrets are looked at again after this time, until they are read. */
const SECRET_MS = 20;

/**
 * Answers questions of the leader: probes each check once, with the handler and the timeout of the spec, and nothing that
 * the address policy refuses. It has no health and writes nothing.
 */
export class Witness {
  readonly #options: WitnessOptions;
  #asked = 0;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Returns one letter for each check: see `OpinionAnswer`. */
  async answer({ checks, withinMs }: OpinionQuestion): Promise<string> {
    this.#asked += 1;
    const owner = `question-${this.#asked}`;
    const end = this.#options.clock.now() + withinMs;
    const letters = await Promise.all(checks.map((asked, n) => this.#opinionOn(`${owner}-${n}`, asked, end)));
    return letters.join('');
  }

  async #opinionOn(owner: string, asked: AskedCheck, end: number): Promise<string> {
    const { clock, probe, secrets } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(Math.max(0, end - clock.now()), () => limit.abort());
    try {
      const check = await this.#checkOf(owner, asked, limit.signal);
      if (check === undefined) return '-';
      return letterOf(await probe(check, limit.signal));
    } catch {
      return '-';
    } finally {
      timer.cancel();
      secrets.follow(owner, '', []);
    }
  }

  /** Returns the check with the handler of the stored spec. Undefined: the spec has no such check, or may not. */
  async #checkOf(owner: string, asked: AskedCheck, signal: AbortSignal): Promise<Check | undefined> {
    const { secrets, clock } = this.#options;
    const backend = this.#backendOf(asked);
    const ip = parseIp(asked.ip);
    if (backend === undefined || ip === undefined) return undefined;
    secrets.follow(owner, backend.namespace, secretNames(backend.spec));
    for (;;) {
      const probe = this.#probeOf(backend, asked);
      if (probe === undefined || signal.aborted) return undefined;
      if (probe !== 'pending') return { ...asked, ip: ip.text, family: ip.family, ...probe };
      await sleep(clock, SECRET_MS, signal);
    }
  }

  /** Returns the backend, if it may use the address. */
  #backendOf({ backend: key, ip: text, port }: AskedCheck): Backend | undefined {
    const { cache, policy } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    const raw = cache.backend(namespace, name);
    const parsed = raw && parseBackend(raw);
    const ip = parseIp(text);
    if (parsed?.ok !== true || ip === undefined) return undefined;
    const { backend } = parsed;
    return policy(ip, { mode: backend.spec.mode, ports: [port] }) === undefined ? backend : undefined;
  }

  #probeOf(
    { namespace, spec }: Backend,
    { id: checkId }: AskedCheck,
  ): Pick<Check, 'handler' | 'timing'> | 'pending' | undefined {
    const { secrets, autoSelectHandler } = this.#options;
    const probeSecrets = probeSecretsOf(spec, (secret) => secrets.state(namespace, secret));
    if (isPending(probeSecrets)) return 'pending';
    const groups = portGroups(spec, { secrets: probeSecrets, choose: autoSelectHandler });
    const probe = groups.find(({ id }) => checkId.endsWith(`|${id}`))?.probe;
    return probe && { handler: probe.handler, timing: probe.timing };
  }
}

function letterOf(verdict: BareVerdict): string {
  const path = reachOf(verdict);
  if (path === undefined) return '-';
  if (path === 'unreached') return 'u';
  return verdict.kind === 'down' ? 'd' : 'r';
}
