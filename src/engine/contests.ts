import type { Action } from '../core/action.ts';
import {
  contestText,
  heldMs,
  isContested,
  overMs,
  repaired,
  type Contest,
  type Edit,
} from '../core/contest.ts';
import type { DesiredService } from '../core/desired.ts';
import type { Endpoints, EndpointSlice, Service } from '../core/objects.ts';
import { annotations } from '../core/ownership.ts';
import type { Observed, Problem, ServicePlan } from '../core/plan.ts';
import { differences } from '../core/service.ts';
import type { Clock } from './ports.ts';

type Observable = Service | EndpointSlice | Endpoints;

const nameOf = ({ kind, metadata }: Observable): string => `${kind} ${metadata.name}`;

/**
 * Counts the repairs of objects that other clients keep changing. Of a Service they are held (core/contest.ts); slices and
 * Endpoints are repaired at once whatever another client does, because a wrong one leads clients to the wrong servers.
 */
export class Contests {
  readonly #clock: Pick<Clock, 'now'>;
  /** Key of the backend -> object -> contest. */
  readonly #contests = new Map<string, Map<string, Contest>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  forget(backend: string): void {
    this.#contests.delete(backend);
  }

  /** Whether the repair of a Service is not due yet. What another spec asks for is never held. */
  isHeld(backend: string, desired: DesiredService, observed: Service | undefined): boolean {
    if (observed === undefined || !isRepair(desired, observed)) return false;
    return heldMs(this.#of(backend).get(nameOf(observed)), this.#clock.now()) > 0;
  }

  /** Counts what a plan repairs, and adds the problem where an object is contested. */
  review(backend: string, desired: DesiredService, observed: Observed, plan: ServicePlan): ServicePlan {
    const now = this.#clock.now();
    const contests = this.#of(backend);
    const objects = [observed.service, observed.endpoints, ...observed.slices].filter(
      (each) => each !== undefined,
    );
    const repairs = repairsOf(desired, observed, plan);
    for (const object of objects) {
      const name = nameOf(object);
      const edit = repairs.get(name);
      const before = contests.get(name);
      const isOpen =
        object.kind === 'Service' && this.isHeld(backend, desired, object) && differs(desired, object);
      if (edit !== undefined) contests.set(name, repaired(before, edit, now));
      else if (before !== undefined && !isOpen && overMs(before, now) === 0) contests.delete(name);
    }
    const contested = objects.flatMap((object) => {
      const contest = contests.get(nameOf(object));
      return isContested(contest) ? [contestText(nameOf(object), contest, object.kind === 'Service')] : [];
    });
    if (contested.length === 0 || plan.problem !== undefined) return plan;
    const problem: Problem = {
      service: desired.name,
      reason: 'Contested',
      message: contested.join('; '),
      published: true,
    };
    return { ...plan, problem };
  }

  /** In how many milliseconds a repair of a backend is due, or a contest is over; undefined: there is none. */
  nextMs(backend: string): number | undefined {
    const now = this.#clock.now();
    const times = [...this.#of(backend).values()]
      .filter(isContested)
      .map((contest) => heldMs(contest, now) || overMs(contest, now));
    return times.length === 0 ? undefined : Math.max(1, Math.min(...times));
  }

  #of(backend: string): Map<string, Contest> {
    const known = this.#contests.get(backend);
    if (known !== undefined) return known;
    const made = new Map<string, Contest>();
    this.#contests.set(backend, made);
    return made;
  }
}

/** Whether what is observed is what this very spec was applied to: then a difference is another client's. */
function isRepair({ body }: DesiredService, { metadata }: Service): boolean {
  const applied = metadata.annotations?.[annotations.applied];
  const wanted = (body.metadata['annotations'] as Readonly<Record<string, string>>)[annotations.applied];
  return applied === undefined || applied === wanted;
}

const differs = ({ body }: DesiredService, observed: Service): boolean =>
  differences(observed, body).length > 0;

/** What another client changed and the plan changes back, by object. */
function repairsOf(
  desired: DesiredService,
  { service, slices, endpoints }: Observed,
  { steps }: ServicePlan,
): ReadonlyMap<string, Edit> {
  const written = new Set(steps.flatMap(({ action }) => targetOf(action)));
  const edits = [service, endpoints, ...slices].flatMap((object) => {
    if (object?.editor === undefined || !written.has(nameOf(object))) return [];
    if (object.kind === 'Service' && !isRepair(desired, object)) return [];
    const fields = object.kind === 'Service' ? differences(object, desired.body) : ['its content'];
    const edit: Edit = { version: object.metadata.resourceVersion ?? '', manager: object.editor, fields };
    return [[nameOf(object), edit] as const];
  });
  return new Map(edits);
}

function targetOf(action: Action): readonly string[] {
  if (action.op === 'applyService') return [`Service ${action.service.metadata.name}`];
  if ('object' in action) return [`${action.object.kind} ${action.object.metadata.name}`];
  return 'ref' in action ? [`${action.ref.kind} ${action.ref.name}`] : [];
}
