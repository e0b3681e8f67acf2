import type { DesiredService } from '../../core/publish/desired.ts';
import type { Observation } from '../../core/publish/observation.ts';
import type { Problem } from '../../core/publish/problems.ts';
import type { WrittenService } from '../../core/publish/written-service.ts';
import type { Roles } from '../../core/roles/primary-election.ts';
import type { ClusterCache } from '../ports.ts';
import type { AliasDecision } from './alias-decision.ts';
import type { ReconcileInputs } from './inputs.ts';
import type { Publication } from './publish-services.ts';

/** Inputs of a run whose Services were written, as far as they were accepted. */
export interface PublishedInputs extends ReconcileInputs {
  readonly alias: AliasDecision | undefined;
  readonly roles: Roles;
  /** Service -> host to which it pointed before, for an alias. */
  readonly before: ReadonlyMap<string, string>;
  /** Cache in which the run wrote: that of the cluster, or of a dry run. */
  readonly cache: ClusterCache;
  readonly observation: Observation | undefined;
}

/** Inputs of a run, and the content of the cache after all its writes were accepted or refused. */
export interface WrittenInputs extends Omit<PublishedInputs, 'before' | 'cache'> {
  readonly desired: readonly DesiredService[];
  readonly written: readonly WrittenService[];
  readonly problems: readonly Problem[];
  readonly waiting: Publication['waiting'];
}
