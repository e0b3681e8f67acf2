import type { Status } from '../../api/external-backend.ts';
import { parseIp } from '../../api/ip.ts';
import type { Halt } from './status.ts';
import { truncate } from './text.ts';

/**
 * Returns the status of a backend that is not reconciled, without withdrawn addresses. The targets report
 * why.
 */
export function statusWithoutRefused(status: Status, refused: ReadonlyMap<string, string>): Status {
  const before = status.targets ?? [];
  if (!before.some(({ addresses }) => addresses.some(({ ip }) => refused.has(ip)))) return status;
  const targets = before.map((target) => {
    const left = target.addresses.filter(({ ip }) => refused.has(ip));
    if (left.length === 0) return target;
    const texts = left.map(({ ip }) => refusedText(ip, refused.get(ip) ?? ''));
    const addresses = target.addresses.filter(({ ip }) => !refused.has(ip));
    return { ...target, message: truncate(texts.join('; ')), addresses };
  });
  const all = targets.flatMap(({ addresses }) => addresses);
  const ready = all.filter((address) => address.ready).length;
  return {
    ...status,
    targets,
    readyAddresses: ready,
    totalAddresses: all.length,
    summary: `${ready}/${all.length}`,
    services: (status.services ?? []).map((service) => ({
      ...service,
      ready: Math.min(service.ready, ready),
      total: Math.min(service.total, all.length),
    })),
  };
}

const refusedText = (ip: string, why: string): string => `${ip} is refused: ${why}`;

export const withdrawalText = (refused: ReadonlyMap<string, string>): string =>
  truncate([...refused].map(([ip, why]) => refusedText(ip, why)).join('; '));

/** Everything that is withdrawn from a backend that is not reconciled. */
export interface Withdrawals {
  /** IP, or host of an alias -> why. */
  readonly refused: ReadonlyMap<string, string>;
  /** Texts on external IPs that are removed. */
  readonly externalIps: readonly string[];
}

/**
 * Returns the conditions that a withdrawal changes. A backend that is not reconciled keeps its other
 * conditions as they were last reported.
 *
 * | withdrawn               | a ready address is left | Degraded            | Available            |
 * |-------------------------|-------------------------|---------------------|----------------------|
 * | none                    | any                     | as before           | as before            |
 * | some                    | yes                     | True TargetsRefused | as before            |
 * | some                    | no                      | True TargetsRefused | False NoReadyAddress |
 * | the Service of an alias | -                       | True TargetsRefused | False NotPublished   |
 * | external IPs only       | any                     | True ExternalIPsRefused | as before        |
 */
export function haltOfWithdrawal(
  status: Status | undefined,
  { refused, externalIps }: Withdrawals,
): Pick<Halt, 'Available' | 'Degraded'> {
  const others = truncate(externalIps.join('; '));
  if (refused.size === 0)
    return others === ''
      ? {}
      : { Degraded: { status: 'True', reason: 'ExternalIPsRefused', message: others } };
  const message = withdrawalText(refused);
  const left = status && statusWithoutRefused(status, refused).readyAddresses;
  const isAlias = [...refused.keys()].some((key) => parseIp(key) === undefined);
  return {
    ...(isAlias && { Available: { status: 'False', reason: 'NotPublished', message } }),
    ...(left === 0 &&
      !isAlias && {
        Available: {
          status: 'False',
          reason: 'NoReadyAddress',
          message: truncate(`no address is left: ${message}`),
        },
      }),
    Degraded: {
      status: 'True',
      reason: 'TargetsRefused',
      message: truncate([message, ...externalIps].join('; ')),
    },
  };
}
