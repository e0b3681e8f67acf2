import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OperatorError } from '../../../src/core/errors.ts';
import type { Action } from '../../../src/core/kubernetes/action.ts';
import type { EndpointSlice } from '../../../src/core/kubernetes/objects.ts';
import { planSlices } from '../../../src/core/publish/slices.ts';
import type { SliceGroup } from '../../../src/core/publish/slices.ts';
import { Slices, context, endpoint, group } from '../support/planned-slices.ts';

/** Desired state of an exclusive Service: one server, or none, at one or two ports with slices of their own. */
interface Desired {
  readonly server: number | undefined;
  readonly ports: readonly number[];
}

const desired: fc.Arbitrary<Desired> = fc.record({
  server: fc.constantFrom(undefined, 1, 2, 3),
  ports: fc.constantFrom([5432], [6432], [5432, 6432]),
});

const groupsOf = ({ server, ports }: Desired): readonly SliceGroup[] =>
  server === undefined
    ? []
    : ports.map((port) => group([endpoint(server)], { ports: [{ name: '', port, protocol: 'TCP' }] }));

/** One leader, which plans by what is stored, and sends one request after another. */
class Leader {
  readonly #slices: Slices;
  readonly #groups: readonly SliceGroup[];
  #requests: Action[] = [];

  constructor(slices: Slices, wanted: Desired) {
    this.#slices = slices;
    this.#groups = groupsOf(wanted);
  }

  /** Returns the next request; undefined: nothing is left to write. */
  next(): Action | undefined {
    if (this.#requests.length === 0) {
      const exclusive = { ...context, exclusive: true };
      const { writes, leaving } = planSlices(this.#groups, this.#slices.all, exclusive);
      this.#requests = [...writes, ...leaving([])].map(({ action }) => action);
    }
    const [first, ...rest] = this.#requests;
    if (first?.op !== 'create' || first.emptyFirst !== true) {
      this.#requests = rest;
      return first;
    }
    const { object } = first;
    this.#requests = [{ op: 'update', object }, ...rest];
    return { op: 'create', object: { ...(object as EndpointSlice), endpoints: [] } };
  }

  /** Sends a request. After a conflict it plans again. */
  send(request: Action): void {
    try {
      this.#slices.cluster.execute(this.fenced(request));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#requests = [];
    }
  }

  /** Returns the update of a slice that was created just before with the version of that create. */
  fenced(request: Action): Action {
    if (request.op !== 'update' || request.object.metadata.uid !== undefined) return request;
    const { name } = request.object.metadata;
    const { uid, resourceVersion } =
      this.#slices.all.find(({ metadata }) => metadata.name === name)?.metadata ?? {};
    const metadata = { ...request.object.metadata, uid: uid ?? '', resourceVersion: resourceVersion ?? '' };
    return { ...request, object: { ...request.object, metadata } };
  }
}

/** Sends requests until none is left. Calls `before` before each. */
function finish(leader: Leader, before: (sent: number) => void = () => undefined): void {
  for (let sent = 0; sent < 40; sent += 1) {
    before(sent);
    const request = leader.next();
    if (request === undefined && sent > 20) return;
    if (request !== undefined) leader.send(request);
  }
}

/** Returns true in the case that planSlices does not cover. */
function isUncovered(inFlight: Action | undefined, { all, addresses }: Slices, { ports }: Desired): boolean {
  const isReplacement = inFlight?.op === 'update' && addresses.length > 0;
  return isReplacement && ports.join() !== all[0]?.ports?.map(({ port }) => port).join();
}

it('a write of a former leader that arrives at any later time shows no second server of an exclusive Service', () => {
  fc.assert(
    fc.property(
      fc.array(desired, { minLength: 1, maxLength: 3 }),
      fc.record({ sent: fc.nat(6), arrives: fc.nat(12) }),
      fc.tuple(desired, desired),
      (history, late, [first, second]) => {
        const slices = new Slices();
        for (const each of history) finish(new Leader(slices, each));
        const former = new Leader(slices, first);
        for (let i = 0; i < late.sent; i += 1) {
          const request = former.next();
          if (request !== undefined) former.send(request);
        }
        const request = former.next();
        const inFlight = request && former.fenced(request);
        fc.pre(!isUncovered(inFlight, slices, second));
        slices.cluster.onChange = () => expect(new Set(slices.addresses).size).toBeLessThanOrEqual(1);
        finish(new Leader(slices, second), (sent) => {
          if (sent === late.arrives && inFlight !== undefined) former.send(inFlight);
        });
        expect([...new Set(slices.addresses)]).toEqual(groupsOf(second)[0]?.endpoints[0]?.addresses ?? []);
      },
    ),
    { numRuns: 1_000 },
  );
});
