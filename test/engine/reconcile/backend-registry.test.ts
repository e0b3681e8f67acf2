import { describe, expect, it } from '@jest/globals';
import { BackendRegistry, backendKey } from '../../../src/engine/reconcile/backend-registry.ts';
import { aStoredBackend, namespace, smallest, type SpecInput } from '../../support/builders/builders.ts';

const key = (name: string) => backendKey({ namespace, name });
const claims = (...names: readonly string[]): SpecInput => ({
  ...smallest,
  services: names.map((name) => ({ name })),
});
const stored = (name: string, spec: SpecInput, second = 0) =>
  aStoredBackend(spec, { name, creationTimestamp: `2026-01-01T00:00:0${second}Z` });

function registryOf(...backends: readonly ReturnType<typeof stored>[]): BackendRegistry {
  const registry = new BackendRegistry();
  for (const backend of backends) registry.update(key(backend.metadata.name), backend);
  return registry;
}

const rivalOf = (registry: BackendRegistry, name: string, service = 'db') =>
  registry.olderClaimant({ namespace, name }, service, undefined);

describe('BackendRegistry', () => {
  const elder = stored('elder', claims('db'), 1);
  const younger = stored('younger', claims('db', 'own'), 2);

  it('gives a claimed name to the oldest', () => {
    const registry = registryOf(younger, elder);
    expect([rivalOf(registry, 'elder'), rivalOf(registry, 'younger')]).toEqual([undefined, 'elder']);
    expect(rivalOf(registry, 'younger', 'own')).toBeUndefined();
  });

  it('leaves a name with the backend that holds its objects, until an older one adopts them', () => {
    const registry = registryOf(younger, elder);
    const rivals = () =>
      ['elder', 'younger'].map((name) => registry.olderClaimant({ namespace, name }, 'db', 'younger'));
    expect(rivals()).toEqual(['younger', undefined]);
    registry.update(
      key('elder'),
      stored('elder', { ...smallest, services: [{ name: 'db', adopt: true }] }, 1),
    );
    expect(rivals()).toEqual([undefined, 'elder']);
  });

  it('reports no rival in another namespace', () => {
    const registry = registryOf(elder);
    expect(registry.olderClaimant({ namespace: 'other', name: 'younger' }, 'db', undefined)).toBeUndefined();
  });

  it.each([
    ['goes', undefined],
    ['claims another name', stored('elder', claims('other'), 1)],
    [
      'is being deleted',
      { ...elder, metadata: { ...elder.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } },
    ],
  ])('returns the younger backend when the elder %s', (_, now) => {
    const registry = registryOf(younger, elder);
    expect(registry.update(key('elder'), now)).toEqual(new Set([key('elder'), key('younger')]));
    expect(rivalOf(registry, 'younger')).toBeUndefined();
  });

  it('returns no backend for the same object, and only the changed one when no claim changes', () => {
    const registry = registryOf(younger, elder);
    expect(registry.update(key('elder'), elder)).toEqual(new Set());
    expect(registry.update(key('elder'), { ...elder })).toEqual(new Set([key('elder')]));
  });

  it('keeps the claims of an invalid backend, because what it published remains', () => {
    const odd = stored('elder', { ...claims('db'), mode: 'Teleport' }, 1);
    const registry = registryOf(younger, elder);
    registry.update(key('elder'), odd);
    expect(registry.get(key('elder'))?.parsed.ok).toBe(false);
    expect(rivalOf(registry, 'younger')).toBe('elder');
  });

  it.each([
    ['services is no list', { services: 'db' }, 'elder'],
    ['a name is no text', { services: [{ name: 7 }, null, { name: 'db' }] }, 'db'],
    ['there is no spec', undefined, 'elder'],
  ])('reads claims from whatever is stored: %s', (_, spec, service) => {
    const registry = registryOf(stored('elder', spec as never, 1), stored('younger', claims(service), 2));
    expect(rivalOf(registry, 'younger', service)).toBe('elder');
  });

  it('forgets deleted backends', () => {
    const registry = registryOf(elder);
    registry.update(key('elder'), undefined);
    expect([...registry.keys()]).toEqual([]);
    expect([...registry.claimants(namespace, 'db')]).toEqual([]);
  });
});
