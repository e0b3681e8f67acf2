import { aliasOnEvidence } from './alias.ts';
import { cutTakesNothing } from './cuts.ts';
import { detectsInTime } from './detection.ts';
import { endpointsFollow } from './endpoints.ts';
import { onePrimary } from './exclusive.ts';
import { failsBackInTime } from './failback.ts';
import { oneWriter } from './fence.ts';
import { isolationOnEvidence } from './isolation.ts';
import { joinsOnEvidence } from './joins.ts';
import { leavesOnEvidence } from './leaves.ts';
import { keepsToWindows } from './maintenance.ts';
import { keepsWhenNoneReady } from './none-ready.ts';
import { ownedObjects } from './owners.ts';
import { allowedAddresses } from './policy.ts';
import { quietInTheEnd } from './quiet.ts';
import type { CreateRule } from './rule.ts';

/** All rules by name. A violation is reported with the name of its rule. */
export const rules = {
  'leaves on evidence': leavesOnEvidence,
  'a cut takes nothing': cutTakesNothing,
  'isolated on evidence': isolationOnEvidence,
  'joins on evidence': joinsOnEvidence,
  'one primary': onePrimary,
  'allowed addresses': allowedAddresses,
  'one writer': oneWriter,
  'detects in time': detectsInTime,
  'quiet in the end': quietInTheEnd,
  'owned objects': ownedObjects,
  'endpoints follow': endpointsFollow,
  'none ready': keepsWhenNoneReady,
  maintenance: keepsToWindows,
  'fails back in time': failsBackInTime,
  'alias on evidence': aliasOnEvidence,
} as const satisfies Readonly<Record<string, CreateRule>>;

export type RuleName = keyof typeof rules | 'as made afresh' | 'no fault of the program';
