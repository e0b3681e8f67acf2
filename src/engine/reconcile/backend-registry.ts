import type { Backend } from '../../api/external-backend.ts';
import { parseBackend } from '../../api/parse.ts';
import { servicesOf } from '../../core/publish/desired.ts';
import type { KubeObject } from '../../core/kubernetes/objects.ts';
import { claimedNames, oldestClaimant } from '../../core/kubernetes/claims.ts';

export type ParsedBackend = ReturnType<typeof parseBackend>;

export interface RegisteredBackend {
  readonly raw: KubeObject;
  readonly parsed: ParsedBackend;
}

/** Returns `namespace/name`, the key of a backend everywhere in the engine. */
export const backendKey = ({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string => `${namespace}/${name}`;

/** Parsed backends, with the Service names that each of them claims. */
export class BackendRegistry {
  readonly #entries = new Map<string, RegisteredBackend>();
  /** `namespace/service` -> keys of the backends that claim it. */
  readonly #claims = new Map<string, Set<string>>();

  get(key: string): RegisteredBackend | undefined {
    return this.#entries.get(key);
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /**
   * Updates a backend from the watch (undefined: it was removed). Returns the keys of all backends whose
   * result may change: its own, and those that claim a name that it claims or claimed.
   */
  update(key: string, raw: KubeObject | undefined): ReadonlySet<string> {
    const known = this.#entries.get(key);
    if (raw !== undefined && raw === known?.raw) return new Set();
    const before = claimsOf(known);
    const entry = raw === undefined ? undefined : { raw, parsed: parseBackend(raw) };
    const after = claimsOf(entry);
    if (entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry);
    for (const name of before) if (!after.includes(name)) this.#release(name, key);
    for (const name of after) this.#claims.set(name, (this.#claims.get(name) ?? new Set()).add(key));
    const isSame = before.join() === after.join() && observes(known) === observes(entry);
    const contested = isSame ? [] : [...before, ...after];
    return new Set([key, ...contested.flatMap((name) => [...(this.#claims.get(name) ?? [])])]);
  }

  /** Returns the keys of the backends that claim a Service name. */
  claimants(namespace: string, service: string): Iterable<string> {
    return this.#claims.get(`${namespace}/${service}`) ?? [];
  }

  /**
   * Returns the name of the other backend that has this Service name; undefined when this backend has it, or
   * none claims it. A backend that only observes has a name only if it owns the objects, so it keeps no other backend
   * from publishing.
   *
   * @param holder name of the backend that owns the objects under that name
   */
  olderClaimant(
    backend: Pick<Backend, 'namespace' | 'name'>,
    service: string,
    holder: string | undefined,
  ): string | undefined {
    const claimants = [...this.claimants(backend.namespace, service)].flatMap((key) => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return [];
      if (observes(entry) && ![holder, backend.name].includes(entry.raw.metadata.name)) return [];
      const { name, creationTimestamp = '' } = entry.raw.metadata;
      return [{ name, creationTimestamp, adopt: adopts(entry, service) }];
    });
    const first = oldestClaimant(claimants, holder);
    return first === undefined || first.name === backend.name ? undefined : first.name;
  }

  #release(name: string, key: string): void {
    const keys = this.#claims.get(name);
    keys?.delete(key);
    if (keys?.size === 0) this.#claims.delete(name);
  }
}

/**
 * Returns the Service names that a backend claims. An invalid backend keeps its claims: its published objects
 * remain, and no other backend may take them over.
 */
function claimsOf(entry: RegisteredBackend | undefined): readonly string[] {
  if (entry === undefined || entry.raw.metadata.deletionTimestamp !== undefined) return [];
  const { raw, parsed } = entry;
  const names = parsed.ok ? servicesOf(parsed.backend).map(({ name }) => name) : claimedNames(raw);
  return names.map((name) => `${raw.metadata.namespace}/${name}`);
}

/** Returns true if the backend writes nothing. */
const observes = (entry: RegisteredBackend | undefined): boolean =>
  entry?.parsed.ok === true && entry.parsed.backend.spec.observe === true;

const adopts = ({ parsed }: RegisteredBackend, service: string): boolean =>
  parsed.ok && servicesOf(parsed.backend).some(({ name, adopt }) => name === service && adopt);
