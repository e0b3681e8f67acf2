import type { Spec, Status } from '../../api/external-backend.ts';
import type { StoredAddress, StoredTarget } from './status-parts.ts';

// etcd accepts requests of up to 1.5 MiB, and stores a resource as a whole: spec, metadata and status.

const maxRequest = 1_572_864;
/** Bytes of annotations that the API server accepts, including the last applied configuration. */
const maxAnnotations = 262_144;
/** A larger status is not worth its write, even if it could be stored. */
const maxStatus = 800_000;
/** Size of a status without its targets. */
const leastStatus = 20_000;

/** Length of a text that is shortened. */
const shortText = 64;

interface Step {
  /** Text about the fields that are left out. */
  readonly what: string;
  readonly ofTarget: (target: StoredTarget) => StoredTarget;
}

const ofAddresses =
  (change: (address: StoredAddress) => StoredAddress) =>
  (target: StoredTarget): StoredTarget => ({ ...target, addresses: target.addresses.map(change) });

const short = (text: string): string =>
  text.length <= shortText ? text : `${text.slice(0, shortText - 4)} ...`;

/**
 * Fields that are left out of a status that is too large, in this order, until it fits. The address itself
 * remains, with readiness, health, reason, since, role and lag: at most 250 bytes for each of 2,000.
 */
const steps: readonly Step[] = [
  {
    what: 'the end of long messages',
    ofTarget: ({ message, resolution, ...target }) => ({
      ...ofAddresses(({ message: text, ...address }) => ({
        ...address,
        ...(text !== undefined && { message: short(text) }),
      }))(target),
      ...(message !== undefined && { message: short(message) }),
      ...(resolution !== undefined && {
        resolution: {
          ...resolution,
          ...(resolution.error !== undefined && { error: short(resolution.error) }),
        },
      }),
    }),
  },
  { what: 'excluded', ofTarget: ofAddresses(({ excluded: _, ...address }) => address) },
  {
    what: 'host, priority and weight of SRV records',
    ofTarget: ofAddresses(({ host: _h, priority: _p, weight: _w, ...address }) => address),
  },
  { what: 'messages of addresses', ofTarget: ofAddresses(({ message: _, ...address }) => address) },
];

/**
 * Returns the status in a size that can be stored with the spec. It is unchanged if it fits. Otherwise
 * `Ready` reports what is left out.
 */
export function fitStatus(status: Status, spec: Spec): Status {
  let size = sizeOf(status);
  const room = size <= leastStatus ? leastStatus : roomLeftBy(spec);
  if (size <= room) return status;
  const leftOut: string[] = [];
  let fit = status;
  for (const { what, ofTarget } of steps) {
    if (size <= room) break;
    fit = { ...fit, targets: (fit.targets ?? []).map(ofTarget) };
    size = sizeOf(fit);
    leftOut.push(what);
  }
  return size <= room ? withNote(fit, leftOut.join(', ')) : withoutTargets(status);
}

/** Leaves out all targets. Conditions, counts and Services remain. */
export const withoutTargets = ({ targets: _, ...status }: Status): Status => withNote(status, 'targets');

/**
 * Returns the bytes that the spec leaves for the status. The factor is for the managed fields, which repeat
 * the keys of list items.
 */
const roomLeftBy = (spec: Spec): number =>
  Math.min(maxStatus, Math.max(leastStatus, maxRequest - maxAnnotations - 1.5 * sizeOf(spec)));

const sizeOf = (value: unknown): number => JSON.stringify(value).length;

const maxMessage = 1024;

/** Adds to the message of `Ready` what is left out. */
function withNote(status: Status, leftOut: string): Status {
  const note = `; the status is too large to be stored in full; left out: ${leftOut}`;
  const conditions = (status.conditions ?? []).map((condition) =>
    condition.type === 'Ready'
      ? { ...condition, message: `${condition.message.slice(0, maxMessage - note.length)}${note}` }
      : condition,
  );
  return { ...status, conditions };
}
