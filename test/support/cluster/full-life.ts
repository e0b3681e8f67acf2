import type { Api } from '../../controlplane/api.ts';
import { startTarget } from '../../controlplane/targets.ts';
import { hosts, plain, probed } from '../builders/backends.ts';
import { conditionOf } from './world.ts';
import { eventually } from '../eventually.ts';
import type { Spec } from './world.ts';

/**
 * Makes the operator do everything that it does for backends: Services are created, changed, taken over and
 * deleted, addresses are removed and added again.
 */
export async function fullLife(admin: Api, ns: string): Promise<void> {
  const put = (name: string, spec: Spec) =>
    admin.apply({ kind: 'ExternalBackend', metadata: { name, namespace: ns }, spec });
  const says = async (name: string, text: string) => {
    const said = async () => {
      const backend = await admin.get('ExternalBackend', name, ns);
      const ready = conditionOf(backend, 'Ready');
      const current = ready?.observedGeneration === backend.metadata.generation;
      return current ? `${ready?.reason} ${backend.status?.summary ?? ''}` : '';
    };
    await eventually(said, (now) => now.startsWith(text), { deadlineMs: 15_000 });
  };
  const target = await startTarget({ address: '10.20.44.1', port: 5432 });

  await put('db', probed(['10.20.44.1']));
  await says('db', 'Published 1/1');
  await target.refuse();
  await says('db', 'Published 0/1');
  await target.listen();
  await says('db', 'Published 1/1');
  await put(
    'db',
    plain(['10.20.44.1', '10.20.44.2'], { services: [{ name: 'db', headless: true }, { name: 'more' }] }),
  );
  await says('db', 'Published 2/2');
  await put('db', plain(['10.20.44.2'], { services: [{ name: 'db' }] }));
  await says('db', 'Published 1/1');
  await eventually(
    () => admin.find('Service', 'more', ns),
    (service) => service === undefined,
  );

  const ports = [{ port: 5432, protocol: 'TCP' }];
  await admin.create({
    kind: 'Service',
    metadata: { name: 'theirs', namespace: ns },
    spec: { ports, selector: { a: 'b' } },
  });
  await put('theirs', plain(['10.20.44.1']));
  await says('theirs', 'Conflict');
  await put('theirs', plain(['10.20.44.1'], { services: [{ name: 'theirs', adopt: true }] }));
  await says('theirs', 'Published 1/1');
  await put('alias', { mode: 'ExternalName', targets: hosts('db.example.com') });
  await says('alias', 'Published');
  await eventually(
    async () => (await admin.list('Event', ns)).map(({ reason }) => reason),
    (all) => ['Refused', 'Connected', 'Conflict'].every((reason) => all.includes(reason)),
  );

  for (const name of ['db', 'theirs', 'alias']) await admin.delete('ExternalBackend', name, ns);
  await target.close();
}
