import type { Config } from './config.ts';
import { Witness, type WitnessOptions } from './engine/isolation/witness.ts';
import type { KubeClient } from './kube/client/client.ts';
import type { Terms } from './kube/election/terms.ts';
import { ReplicaMessenger } from './kube/replicas/replica-messenger.ts';
import type { Clock, Random } from './util/clock.ts';
import type { Logger } from './util/log.ts';

export interface CreateMessengerOptions extends Pick<
  WitnessOptions,
  'cache' | 'secrets' | 'policy' | 'probe'
> {
  readonly config: Pick<
    Config,
    'leaderElect' | 'secondOpinion' | 'leaseNamespace' | 'leaseName' | 'autoSelectHandler'
  >;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Name of the pod. */
  readonly instance: string;
  readonly terms: () => Pick<Terms, 'expedite'>;
}

/** Creates the messenger between the replicas. Undefined: there are no others, or they are not asked. */
export function createMessenger({
  config,
  terms,
  ...options
}: CreateMessengerOptions): ReplicaMessenger | undefined {
  if (!config.leaderElect || !config.secondOpinion) return undefined;
  const witness = new Witness({ ...options, autoSelectHandler: config.autoSelectHandler });
  return new ReplicaMessenger({
    ...options,
    namespace: config.leaseNamespace,
    leaseName: config.leaseName,
    onQuestion: async (question) => {
      const opinions = await witness.answer(question);
      // The leader yields when it reads this answer.
      if (question.isAboutLeader && seesMost(opinions)) terms().expedite();
      return opinions;
    },
  });
}

const seesMost = (opinions: string): boolean => 2 * opinions.replace(/[^rd]/g, '').length >= opinions.length;
