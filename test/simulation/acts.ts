import type { EndpointSlice } from '../../src/core/kubernetes/objects.ts';
import { labels } from '../../src/core/kubernetes/ownership.ts';
import { namespace } from '../support/builders/builders.ts';
import type { ApiFaults } from './api/faults.ts';
import type { Cluster } from './cluster.ts';
import { recoverFromApiMs, recoverMs, type Act, type Tampering } from './history.ts';
import type { Scene } from './scene.ts';
import type { Staff } from './staff.ts';

/** Everything that an event can change. */
export interface Stage {
  readonly scene: Scene;
  readonly staff: Staff;
  readonly faults: ApiFaults;
}

/** Does what an event is. A disturbance that lasts ends by itself. */
export function perform(act: Act, stage: Stage): void {
  const { scene, staff } = stage;
  scene.isTampered ||= act.op === 'delete' || act.op === 'tamper';
  const lastsMs = 'forMs' in act ? (act.forMs ?? 0) : 0;
  scene.changedAt = Math.max(scene.changedAt, scene.now + lastsMs);
  const recoversMs = act.op === 'api' ? recoverFromApiMs : recoverMs;
  if (isDisturbance(act))
    scene.disturbed(scene.now + lastsMs + recoversMs, act.op === 'cut' ? 'paths' : 'all');
  const end = (begins[act.op] as Begin<Act['op']>)(act, stage);
  if (end !== undefined) scene.clock.after(lastsMs, end);
  staff.changed();
}

const isDisturbance = ({ op }: Act): boolean => !['hosts', 'edit', 'annotate', 'delete'].includes(op);

type Begin<Op extends Act['op']> = (
  act: Extract<Act, { readonly op: Op }>,
  stage: Stage,
) => (() => void) | undefined;

/** Does what has no end. */
const once = (run: () => void): undefined => {
  run();
  return undefined;
};

/** How each event begins. Returns how it ends, if it lasts. A new event is one line here and one in history.ts. */
const begins: { readonly [Op in Act['op']]: Begin<Op> } = {
  hosts: ({ ips, is }, { scene: { targets } }) => {
    for (const ip of ips) targets.set(ip, is);
    return undefined;
  },
  name: ({ name, is, forMs }, { scene: { zones } }) => {
    zones.set(name, is);
    return forMs === undefined ? undefined : () => zones.restore(name);
  },
  cut: ({ replica, ips }, { scene, staff }) => scene.targets.cut(staff.indexOf(replica), ips),
  prober: ({ replica }, { scene, staff }) => scene.targets.fault(staff.indexOf(replica)),
  link: ({ replica, link }, { staff }) => staff.link(replica, link),
  lag: ({ replica, lagMs }, { staff }) => staff.lag(replica, lagMs),
  api: ({ fault, share }, { faults }) => faults.begin(fault, share),
  atWrite: (act, { staff }) => once(() => staff.arm(act)),
  kill: ({ replica, forMs }, { staff }) => once(() => staff.kill(replica, forMs)),
  stop: ({ replica, forMs }, { staff }) => once(() => staff.stop(replica, forMs)),
  pause: ({ replica }, { staff }) => staff.pause(replica),
  wall: ({ replica, ms }, { staff }) => once(() => staff.shiftWall(replica, ms)),
  edit: ({ backend, spec }, { scene }) =>
    once(() => scene.edited(backend, scene.cluster.edit(backend, spec))),
  annotate: ({ backend, text }, { scene }) =>
    once(() => {
      scene.cluster.annotate(backend, text);
      scene.annotated(backend, text);
    }),
  delete: ({ backend }, { scene }) => {
    scene.cluster.delete(backend);
    scene.edited(backend, undefined);
    return undefined;
  },
  tamper: ({ service, how }, { scene }) => once(() => tamper(scene.cluster, service, how)),
};

/** Edits objects of the operator as another client. */
function tamper({ api: { cluster } }: Cluster, service: string, how: Tampering): void {
  if (how === 'delete Service') {
    cluster.remove('Service', namespace, service);
    return;
  }
  for (const slice of cluster.slices(namespace, service)) {
    const { name } = slice.metadata;
    if (how === 'delete slices') cluster.remove('EndpointSlice', namespace, name);
    else
      cluster.put(
        how === 'empty slices' ? ({ ...slice, endpoints: [] } as EndpointSlice) : unlabelled(slice),
      );
  }
}

function unlabelled(slice: EndpointSlice): EndpointSlice {
  const { [labels.serviceName]: _, ...rest } = slice.metadata.labels ?? {};
  return { ...slice, metadata: { ...slice.metadata, labels: rest } };
}
