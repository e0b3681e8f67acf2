import type { Config } from './config.ts';
import type { Engine } from './engine/engine.ts';
import type { Logger } from './util/log.ts';
import type { KubeClient } from './kube/client/client.ts';
import type { EventWriter } from './kube/events/event-writer.ts';
import { LeaderElector } from './kube/election/leader-elector.ts';
import type { LeaderElectorOptions } from './kube/election/leader-elector.ts';
import type { LeaderCallbacks, Leadership, TermEnd } from './kube/election/leadership.ts';
import { SoleLeader } from './kube/election/sole-leader.ts';
import { heartbeatRequest, Terms } from './kube/election/terms.ts';
import type { Metrics } from './serve/metrics.ts';
import type { Clock, Random } from './util/clock.ts';

export interface LeadingOptions {
  readonly config: Pick<
    Config,
    'leaderElect' | 'leaseNamespace' | 'leaseName' | 'leaseDuration' | 'renewDeadline' | 'retryPeriod'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly identity: string;
  readonly client: KubeClient;
  readonly metrics: Pick<Metrics, 'leading'>;
  readonly events: Pick<EventWriter, 'clear'>;
  readonly engine: () => Pick<Engine, 'onStartedLeading' | 'onStoppedLeading'>;
}

/** Creates the terms from leader election and heartbeat, with the work that begins and ends with a term. */
export function createTerms(options: LeadingOptions): Terms {
  return new Terms({
    ...leaderHooks(options),
    clock: options.clock,
    beat: () => options.client.request(heartbeatRequest),
    elect: (hooks, hasAnswered) => createLeadership(options, { ...hooks, hasAnswered }),
  });
}

/** Log texts of the ends of a term. */
const ends: Readonly<Record<TermEnd, string>> = {
  Interrupted: 'the API server does not respond: probes stop until it does',
  Lapsed: 'the Lease was not renewed in time: probes stop until this replica leads again',
  Taken: 'another client holds the Lease: probes stop until this replica leads again',
  Yielded: 'another replica reaches hosts that this one does not, and should lead: probes stop',
  Released: 'this replica stops',
};

/** Stops the work at the end of a term, because verdicts are valid in one term only. */
function leaderHooks({ identity, logger, client, metrics, events, engine }: LeadingOptions): LeaderCallbacks {
  return {
    onStartedLeading: () => {
      logger.info('leading', { identity });
      metrics.leading(true);
      engine().onStartedLeading();
    },
    onStoppedLeading: (reason) => {
      logger.warn('stopped leading', { reason, meaning: ends[reason] });
      metrics.leading(false);
      engine().onStoppedLeading();
      // Requests that the network or a hanging server has not received yet must not arrive later.
      if (reason === 'Interrupted' || reason === 'Lapsed') client.reset();
    },
    onNewLeader: (leader) => {
      if (leader === identity) return;
      logger.info('another replica leads', { leader });
      // Without another leader they are kept: transitions that the slices contain are reported when the API server responds again.
      events.clear();
    },
  };
}

function createLeadership(
  { config, logger, identity, client, clock, random }: LeadingOptions,
  hooks: Pick<LeaderElectorOptions, 'hasAnswered'> & LeaderCallbacks,
): Leadership {
  if (!config.leaderElect) return new SoleLeader(hooks);
  return new LeaderElector({
    ...hooks,
    client,
    clock,
    random,
    logger,
    identity,
    namespace: config.leaseNamespace,
    name: config.leaseName,
    leaseDurationMs: config.leaseDuration,
    renewDeadlineMs: config.renewDeadline,
    retryPeriodMs: config.retryPeriod,
  });
}
