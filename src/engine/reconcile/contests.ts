import { objectOf } from '../../core/kubernetes/action.ts';
import {
  contestText,
  heldMs,
  isContested,
  isLongOver,
  overMs,
  afterRepair,
  type Contest,
  type ForeignEdit,
} from '../../core/publish/contest.ts';
import type { DesiredService } from '../../core/publish/desired.ts';
import type { Endpoints, EndpointSlice, Service } from '../../core/kubernetes/objects.ts';
import { annotations } from '../../core/kubernetes/ownership.ts';
import type { ServicePlan } from '../../core/publish/plan.ts';
import type { Observed, Problem } from '../../core/publish/problems.ts';
import { differences } from '../../core/publish/service-diff.ts';
import type { Clock } from '../../util/clock.ts';

type Observable = Service | EndpointSlice | Endpoints;
/** Contests by field. */
type Fields = Map<string, Contest>;

const nameOf = ({ kind, metadata }: Observable): string => `${kind} ${metadata.name}`;

/**
 * Counts the repairs of fields that other clients keep changing. Those of a Service are delayed
 * (core/publish/contest.ts). Slices and Endpoints are repaired at once whatever another client does, because a wrong
 * one leads clients to the wrong servers.
 */
export class Contests {
  readonly #clock: Pick<Clock, 'now'>;
  /** Key of the backend -> object -> field -> contest. */
  readonly #contests = new Map<string, Map<string, Fields>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  forget(backend: string): void {
    this.#contests.delete(backend);
  }

  /**
   * Returns true when the repair of a Service is not due yet. A change of the spec is never delayed, nor the
   * repair of a field that was changed once.
   */
  isHeld(backend: string, desired: DesiredService, observed: Service | undefined): boolean {
    if (observed === undefined || !isRepair(desired, observed)) return false;
    const fields = this.#contests.get(backend)?.get(nameOf(observed));
    if (fields === undefined) return false;
    const now = this.#clock.now();
    const changed = differences(observed, desired.body);
    return changed.length > 0 && changed.every((field) => heldMs(fields.get(field), now) > 0);
  }

  /** Counts what a plan repairs, and adds a problem if a field is contested. */
  review(backend: string, desired: DesiredService, observed: Observed, plan: ServicePlan): ServicePlan {
    const texts = [observed.service, observed.endpoints, ...observed.slices].flatMap((object) =>
      object === undefined ? [] : this.#count(backend, object, changedFields(object, desired, plan)),
    );
    if (texts.length === 0 || plan.problem !== undefined) return plan;
    const problem: Problem = {
      service: desired.name,
      reason: 'Contested',
      message: texts.join('; '),
      published: true,
    };
    return { ...plan, problem };
  }

  /**
   * Returns after how many milliseconds a repair of a backend is due, or a contest ends; undefined: there is
   * none. If both have passed, nothing is due: the object was deleted, or its repair is refused, which is
   * retried like any write.
   */
  nextMs(backend: string): number | undefined {
    const now = this.#clock.now();
    const times = [...(this.#contests.get(backend)?.values() ?? [])]
      .flatMap((fields) => [...fields.values()])
      .filter(isContested)
      .map((contest) => heldMs(contest, now) || overMs(contest, now))
      .filter((ms) => ms > 0);
    return times.length === 0 ? undefined : Math.max(1, Math.min(...times));
  }

  /** Returns a text about the contested fields of the object. */
  #count(backend: string, object: Observable, { changed, isPlanned }: Change): readonly string[] {
    const known = this.#contests.get(backend)?.get(nameOf(object));
    if (known === undefined && !(isPlanned && changed.length > 0)) return [];
    const now = this.#clock.now();
    const fields = known ?? this.#open(backend, nameOf(object), now);
    if (isPlanned)
      for (const field of changed) fields.set(field, afterRepair(fields.get(field), editOf(object), now));
    for (const [field, contest] of fields)
      if (!changed.includes(field) && overMs(contest, now) === 0) fields.delete(field);
    const contested = new Map([...fields].filter(([, contest]) => isContested(contest)));
    return contested.size === 0 ? [] : [contestText(nameOf(object), contested, object.kind === 'Service')];
  }

  /** Starts a history. Removes those of objects that needed no repair for a while, and may be deleted. */
  #open(backend: string, object: string, now: number): Fields {
    const objects = this.#contests.get(backend) ?? new Map<string, Fields>();
    for (const [name, fields] of objects)
      if ([...fields.values()].every((contest) => isLongOver(contest, now))) objects.delete(name);
    const fields: Fields = new Map();
    this.#contests.set(backend, objects.set(object, fields));
    return fields;
  }
}

const editOf = ({ metadata, editor = '' }: Observable): ForeignEdit => ({
  version: metadata.resourceVersion ?? '',
  manager: editor,
});

/**
 * Returns true when this spec was applied to the observed object: another client then made the difference.
 */
function isRepair({ body }: DesiredService, { metadata }: Service): boolean {
  const applied = metadata.annotations?.[annotations.applied];
  const desired = (body.metadata['annotations'] as Readonly<Record<string, string>>)[annotations.applied];
  return applied === undefined || applied === desired;
}

/** Fields that another client changed. */
interface Change {
  readonly changed: readonly string[];
  /** True when the plan changes them back. */
  readonly isPlanned: boolean;
}

function changedFields(object: Observable, desired: DesiredService, { steps }: ServicePlan): Change {
  const isPlanned = steps.some(({ action }) => objectOf(action) === nameOf(object));
  if (object.kind !== 'Service') {
    const isTheirs = isPlanned && object.editor !== undefined;
    return { changed: isTheirs ? ['its content'] : [], isPlanned };
  }
  const isTheirs = object.editor !== undefined && isRepair(desired, object);
  return { changed: isTheirs ? differences(object, desired.body) : [], isPlanned };
}
