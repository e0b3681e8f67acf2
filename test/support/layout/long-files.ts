/** Longest file of src that needs no reason. */
export const maxLines = 250;

/** Files of src that are longer, each with the reason why it is not cut. */
export const longFiles: Readonly<Record<string, string>> = {
  'api/author-rights.ts': 'one policy: its expressions follow each other, and share names',
  'api/probe.ts': 'one part of the spec, field by field',
  'api/status.ts': 'one part of the resource, field by field',
  'core/publish/problems.ts': 'one table of problems, in the order in which the first one is reported',
  'core/publish/slices.ts': 'one algorithm: which slices are written, and in which order',
  'core/resolution/name-state.ts': 'one state machine with its table',
  'dns/refresh/resolver.ts': 'one class: the questions, their timer and their limits change together',
  'engine/engine.ts': 'joins the parts of the engine; has options and no rules',
  'engine/isolation/isolation-monitor.ts': 'one state machine with its table',
  'engine/probing/concurrency.ts': 'one limiter: a slot, a host and a namespace are taken together',
  'engine/probing/scheduler.ts': 'one class, on the hot path of each probe',
  'engine/queue/work-queue.ts': 'one queue with its table of states',
  'engine/reconcile/publish-services.ts': 'one step of the reconcile, from the plan to refused addresses',
  'engine/reconcile/reconciler.ts': 'the order of one reconcile, from inputs to status',
  'engine/workers/prober-replica.ts': 'one protocol with the threads, with its table',
  'engine/workers/worker-pool.ts': 'one class: threads, quarantine and their restarts change together',
  'kube/cache/cluster-cache.ts': 'one cache: what it contains, and to whom a change is reported',
  'kube/cache/reflector.ts': 'one state machine with its table',
  'kube/client/client.ts': 'one request, from its priority to its error',
  'kube/election/leader-elector.ts': 'one state machine with its table',
  'kube/replicas/replica-messenger.ts': 'one exchange between replicas: question, answer and Lease',
  'kube/write/action-runner.ts': 'one method for each action',
  'probe/connection/protocol-runner.ts': 'one connection: each event of the socket may end it',
  'probe/mysql/mysql-session.ts': 'one session of mysql2, whose events share its state',
  'probe/mysql/mysql.ts': 'the probe and the handshake that it falls back to',
};
