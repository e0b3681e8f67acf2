import type { Status } from '../api/external-backend.ts';
import { isSame } from './same.ts';

/** Reasons of conditions whose messages contain what name servers answered. */
const ofNames: readonly string[] = ['NamesFailing', 'NotResolvedYet', 'NoReadyAddress'];

/**
 * Returns true where two statuses differ in how names fail, and in nothing that follows from it: addresses, readiness and
 * reasons are the same. Servers that fail now in one way and now in another would otherwise cost a write each time.
 */
export const differsInWords = (a: Status | undefined, b: Status): boolean =>
  a !== undefined && !isSame(a, b) && isSame(withoutWords(a), withoutWords(b));

const withoutWords = ({ conditions, targets, ...rest }: Status): object => ({
  ...rest,
  conditions: conditions?.map((condition) =>
    ofNames.includes(condition.reason) ? { ...condition, message: '' } : condition,
  ),
  targets: targets?.map((target) => ({ ...target, resolution: howNamed(target.resolution?.rule) })),
});

/**
 * A name that begins or stops failing is reported at once, and one that has had no answer in this term (`Published`) with its
 * first failure. The way in which it continues to fail is only text.
 */
const howNamed = (rule: string | undefined): string | undefined =>
  rule === undefined || rule === 'Answered' || rule === 'Published' ? rule : 'failing';
