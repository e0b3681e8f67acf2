import { describe, expect, it } from '@jest/globals';
import { A, B, P, R, behind, ips, known, scene, targets } from '../support/role-scene.ts';

const readOnly = (epoch?: number) => known({ role: 'Primary', epoch, refusesWrites: true });
const C = '10.0.0.3';

describe('the elected primary', () => {
  it.each([
    ['no server reports role Primary: none', { [A]: R(), [B]: R() }, [], [], []],
    ['one claims it: that', { [A]: P(), [B]: R() }, [], [A], []],
    [
      'two, the second with the higher epoch: it, though the first is published',
      { [A]: P(1), [B]: P(2) },
      [A],
      [B],
      [A],
    ],
    ['two of one epoch: the published one', { [A]: P(2), [B]: P(2) }, [B], [B], [A]],
    ['two without epochs: the published one', { [A]: P(), [B]: P() }, [B], [B], [A]],
    ['two, one epoch not known: the published one', { [A]: P(), [B]: P(7) }, [A], [A], [B]],
    [
      'two, the published one refuses writes: the other one',
      { [A]: readOnly(), [B]: P(undefined, 9) },
      [A],
      [B],
      [A],
    ],
    [
      'two of one epoch, the published one refuses writes: the other one',
      { [A]: readOnly(2), [B]: P(2) },
      [A],
      [B],
      [A],
    ],
    [
      'two, the one that refuses writes has the higher epoch: it, because the other one is superseded',
      { [A]: P(1), [B]: readOnly(2) },
      [A],
      [B],
      [A],
    ],
    ['two that refuse writes: the published one', { [A]: readOnly(), [B]: readOnly() }, [B], [B], [A]],
    ['one that refuses writes, alone: it', { [A]: readOnly(), [B]: R() }, [], [A], []],
    [
      'two, none published: the one that has been primary for the longest time',
      { [A]: P(undefined, 9), [B]: P(undefined, 5) },
      [],
      [B],
      [A],
    ],
    [
      'two, both published: the one that has been primary for the longest time',
      { [A]: P(undefined, 9), [B]: P(undefined, 5) },
      [A, B],
      [B],
      [A],
    ],
    [
      'three, two share the highest epoch: of those the published',
      { [A]: P(1), [B]: P(2), [C]: P(2) },
      [A, C],
      [C],
      [A, B],
    ],
    [
      'it is unhealthy and has reported no other role: none',
      { [A]: known({ role: 'Primary' }, 'unhealthy'), [B]: R() },
      [A],
      [],
      [],
    ],
    [
      'it is unhealthy, another claims it: the other',
      { [A]: known({ role: 'Primary' }, 'unhealthy'), [B]: P() },
      [A],
      [B],
      [],
    ],
    ['nothing is known: nobody', {}, [], [], []],
  ] as const)('%s', (_, healths, published, primary, pretenders) => {
    const { roles } = scene(targets(A, B, C), healths, published);
    expect(ips(roles.primary)).toEqual(primary);
    expect(ips(roles.conflictingPrimaries)).toEqual(pretenders);
  });

  it.each([
    [
      'a name with one address of each family is one server',
      'one.example',
      ['10.0.1.1', 'fd00::1'],
      ['10.0.1.1', 'fd00::1'],
      [],
    ],
    [
      'a name with two of one family is two',
      'two.example',
      ['10.0.2.1', '10.0.2.2'],
      ['10.0.2.1'],
      ['10.0.2.2'],
    ],
    [
      'and it is not known to which of them the third belongs',
      'two.example',
      ['10.0.2.1', '10.0.2.2', 'fd00::2'],
      ['10.0.2.1'],
      ['10.0.2.2', 'fd00::2'],
    ],
    [
      'where one of the two follows, it is the other',
      'two.example',
      ['10.0.2.2', 'fd00::2'],
      ['10.0.2.2', 'fd00::2'],
      [],
    ],
  ])('%s', (_, host, claiming, primary, pretenders) => {
    const { roles } = scene(targets(host), Object.fromEntries(claiming.map((ip) => [ip, P()])));
    expect(ips(roles.primary)).toEqual(primary);
    expect(ips(roles.conflictingPrimaries)).toEqual(pretenders);
  });

  it('is never two servers when an address of the other family is published', () => {
    const claiming = { '10.0.2.1': P(), '10.0.2.2': P(), 'fd00::2': P() };
    expect(ips(scene(targets('two.example'), claiming, ['fd00::2']).roles.primary)).toEqual(['fd00::2']);
  });

  it('follows the role of the probe, and the role of the spec if no probe reports one', () => {
    const spec = {
      targets: [
        { host: A, role: 'Primary' },
        { host: B, role: 'Replica' },
      ],
    };
    expect(ips(scene(spec, { [A]: known(undefined), [B]: known(undefined) }).roles.primary)).toEqual([A]);
    expect(ips(scene(spec, { [A]: R(), [B]: P() }).roles.primary)).toEqual([B]);
  });

  it('is never a drained address', () => {
    const spec = { targets: [{ host: A, drain: true }, { host: B }] };
    const waiting = scene(spec, { [A]: P(), [B]: R() }, [A]);
    expect(ips(waiting.roles.primary)).toEqual([]);
    expect(behind(waiting.desired, 'rw')).toEqual([`-${A}`]);
    const switched = scene(spec, { [A]: P(), [B]: P() }, [A]);
    expect(ips(switched.roles.primary)).toEqual([B]);
    expect(ips(switched.roles.conflictingPrimaries)).toEqual([]);
    expect(behind(switched.desired, 'rw')).toEqual([`+${B}`]);
  });

  describe('with a second port that has a probe of its own', () => {
    const spec = {
      ...targets(A, B),
      probe: undefined,
      ports: [
        { name: 'db', port: 6379, probe: { redis: {} } },
        { name: 'metrics', port: 9121, probe: {} },
      ],
    };
    const sick = known(undefined, 'unhealthy');
    it('stays the server whose database port is healthy, whatever the other port does', () => {
      const healths = {
        [`${A} 6379/TCP`]: P(),
        [`${A} 9121/TCP`]: sick,
        [`${B} 6379/TCP`]: P(),
        [`${B} 9121/TCP`]: known(undefined),
      };
      const { roles, desired } = scene(spec, healths, [A]);
      expect(ips(roles.primary)).toEqual([A]);
      expect(ips(roles.conflictingPrimaries)).toEqual([B]);
      expect(behind(desired, 'rw')).toEqual([`+${A}`, `-${A}`]);
    });
  });
});
