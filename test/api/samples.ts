import { parts, sharedParts, specWith } from '../support/builders/parts.ts';
import { badAliases, goodAliases } from './samples/aliases.ts';
import { badDatabaseProbes, goodDatabaseProbes } from './samples/database-probes.ts';
import { overLimits, atLimits } from './samples/limits.ts';
import { badMaintenance, goodMaintenance } from './samples/maintenance.ts';
import { misplaced } from './samples/misplaced.ts';
import { badNames, goodNames } from './samples/names.ts';
import { badObserve, goodObserve } from './samples/observe.ts';
import { badPorts, goodPorts } from './samples/ports.ts';
import { badProbes, goodProbes } from './samples/probes.ts';
import { badRoles, goodRoles } from './samples/roles.ts';
import { badSecrets, goodSecrets } from './samples/secrets.ts';
import { badServices, goodServices } from './samples/services.ts';
import { badTargets, goodTargets } from './samples/targets.ts';
import type { BadSample, GoodSample } from './samples/builders.ts';

/** Specs that zod and the API server must refuse, by section of the spec. */
export const badSamples: readonly BadSample[] = [
  ...badTargets,
  ...badPorts,
  ...badNames,
  ...badProbes,
  ...misplaced,
  ...badServices,
  ...badAliases,
  ...badRoles,
  ...badSecrets,
  ...badDatabaseProbes,
  ...badMaintenance,
  ...badObserve,
  ...overLimits,
];

/** Specs that zod and the API server must accept. */
export const goodSamples: readonly GoodSample[] = [
  ...parts().map((path) => ({ name: `{} as ${path}`, spec: specWith(path, {}) })),
  ...sharedParts().map((path) => ({ name: `null as ${path}`, spec: specWith(path, null) })),
  ...goodTargets,
  ...goodPorts,
  ...goodNames,
  ...goodProbes,
  ...goodServices,
  ...goodAliases,
  ...goodRoles,
  ...goodSecrets,
  ...goodDatabaseProbes,
  ...goodMaintenance,
  ...goodObserve,
  ...atLimits,
];
