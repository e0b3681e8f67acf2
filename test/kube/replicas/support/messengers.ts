import type { AskedCheck, OpinionQuestion } from '../../../../src/core/isolation/second-opinion.ts';
import { KubeClient } from '../../../../src/kube/client/client.ts';
import type { ReplicaLease } from '../../../../src/kube/replicas/replica-lease.ts';
import { ReplicaMessenger } from '../../../../src/kube/replicas/replica-messenger.ts';
import { Wire } from '../../../simulation/api/wire.ts';
import { Process } from '../../../simulation/process.ts';
import { Draw } from '../../../simulation/random.ts';
import { FakeApi, placeOf } from '../../../support/fakes/fake-api.ts';
import type { FakeAnswer, FakeRequest } from '../../../support/fakes/fake-api.ts';
import { FakeWatches } from '../../../support/fakes/fake-watches.ts';
import { ManualClock } from '../../../support/fakes/manual-clock.ts';

/** One replica with a messenger. */
export interface MessengerReplica {
  readonly name: string;
  readonly messenger: ReplicaMessenger;
  readonly process: Process;
  readonly wire: Wire;
  /** Questions that it has received. */
  readonly questions: OpinionQuestion[];
  /** Messages of its log. */
  readonly log: string[];
  /** Returns its answer, a letter for each check. By default `r` for each. */
  answer: (question: OpinionQuestion) => Promise<string>;
}

export const check: AskedCheck = {
  ...{ backend: 'shop/db', id: '10.0.0.1|5432|all', ip: '10.0.0.1', port: 5432, host: 'db.example' },
};

const namespace = 'operator';
const forbidden: FakeAnswer = {
  status: 403,
  body: { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message: 'forbidden' },
};

/** Replicas that have a fake API server, and nothing else, in common. */
export class Messengers {
  readonly clock = new ManualClock();
  readonly api = new FakeApi();
  /** Names of the replicas whose writes the API server refuses. */
  readonly forbidden = new Set<string>();
  readonly #watches = new FakeWatches(this.api);

  start(name: string): MessengerReplica {
    const process = new Process(this.clock, { rate: 1, wallMs: 0 });
    const draw = new Draw(1, name);
    const wire = new Wire({
      ...{ world: this.clock, process, draw, onSent: () => undefined, termNow: () => 1 },
      treatmentOf: () => ({ isExecuted: true, delayMs: 0, answerMs: 0 }),
      handle: (request) => this.#handle(name, request),
      watch: (request, send) => this.#watch(request, send),
    });
    const { clock } = process;
    const log: string[] = [];
    const questions: OpinionQuestion[] = [];
    const note = (message: string) => void log.push(message);
    const messenger = new ReplicaMessenger({
      ...{ clock, random: draw.uniform, namespace, leaseName: 'operator', instance: name },
      client: new KubeClient({ credentials: wire, clock, random: draw.uniform }),
      logger: { debug: () => undefined, info: note, warn: note, error: note },
      onQuestion: (question) => {
        questions.push(question);
        return replica.answer(question);
      },
    });
    const answer = ({ checks }: OpinionQuestion) => Promise.resolve('r'.repeat(checks.length));
    const replica: MessengerReplica = { name, messenger, process, wire, questions, log, answer };
    messenger.start();
    return replica;
  }

  /** Returns the stored Lease of a replica. */
  lease(name: string) {
    const found = this.api.cluster.find('Lease', namespace, `operator-${name}`);
    return found as (ReplicaLease & { readonly spec: { readonly renewTime: string } }) | undefined;
  }

  /** Returns the names of all Leases. */
  leases(): readonly string[] {
    return this.api.cluster.all('Lease').map(({ metadata }) => metadata.name);
  }

  #handle(name: string, request: FakeRequest): FakeAnswer {
    return request.method !== 'GET' && this.forbidden.has(name) ? forbidden : this.api.handle(request);
  }

  #watch({ path, query }: FakeRequest, send: (line: string) => void): () => void {
    const place = placeOf(path);
    if (place === undefined) throw new Error(`no watch: ${path}`);
    const from = query?.get('resourceVersion') ?? undefined;
    return this.#watches.open({ place, labelSelector: query?.get('labelSelector') ?? undefined, from }, send);
  }
}
