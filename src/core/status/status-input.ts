import type { Backend } from '../../api/external-backend.ts';
import type { TargetAddresses } from '../resolution/addresses.ts';
import type { Candidate } from '../publish/external-name.ts';
import type { PortGroup } from '../probing/port-groups.ts';
import type { DesiredService } from '../publish/desired.ts';
import type { OperatorError } from '../errors.ts';
import type { IsolationFigures } from '../isolation/isolation-figures.ts';
import type { Observation } from '../publish/observation.ts';
import type { Problem } from '../publish/problems.ts';
import type { HealthOf } from '../health/readiness.ts';
import type { MaintenanceState } from '../maintenance/maintenance-state.ts';
import type { Roles } from '../roles/primary-election.ts';
import type { WrittenService } from '../publish/written-service.ts';

/** Facts from which the status of a backend is computed. */
export interface StatusInput {
  readonly backend: Backend;
  readonly targets: readonly TargetAddresses[];
  readonly groups: readonly PortGroup[];
  /** Health from probes. */
  readonly healthOf: HealthOf;
  /** Health that counts for Services, which differs while a maintenance window freezes it. Default: `healthOf`. */
  readonly countedHealthOf?: HealthOf;
  /** Default: no maintenance window. */
  readonly maintenance?: MaintenanceState;
  readonly desired: readonly DesiredService[];
  /** Their written state, in the same order. */
  readonly written: readonly WrittenService[];
  readonly problems: readonly Problem[];
  /** Set while spec.observe is true: `desired` and `written` are then those of a dry run. */
  readonly observation?: Observation | undefined;
  readonly roles: Roles;
  /** Texts about Secrets that cannot be used. */
  readonly missing: readonly string[];
  /** Addresses whose checks are in quarantine. */
  readonly quarantined?: readonly string[];
  /** Host that an alias points to; undefined in mode Endpoints. */
  readonly alias: string | undefined;
  /** All hosts of the alias are refused: it has no Service, or one that is not changed. */
  readonly hasNoHost?: boolean;
  /** Hosts of an alias; empty in mode Endpoints. */
  readonly candidates: readonly Candidate[];
  /** A write that the server refused, or that keeps failing. */
  readonly error: OperatorError | undefined;
  /** `<Service> <ip>` -> message with which the API server refuses this address. */
  readonly refused?: ReadonlyMap<string, string>;
  /** True while recovered addresses are written only every 10 s (engine/reconcile/flapping.ts). */
  readonly isFlapping?: boolean;
  /**
   * Factor by which periods are longer than in the spec, because the namespace requests too many probes.
   * Default: 1.
   */
  readonly slowdown?: number;
  /**
   * Addresses that are probed less often than in the spec, because of the CPU time that their probes take.
   */
  readonly costly?: readonly CostlyAddress[];
  /** Addresses that only this replica does not reach. */
  readonly unreachableFromHere?: readonly string[];
  /** An address remains, although it is silent, because most hosts are. */
  readonly isolation?: IsolationFigures | undefined;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

export interface CostlyAddress {
  /** Cost of a probe, in milliseconds of CPU. */
  readonly cpuMs: number;
  /** IP and port. */
  readonly address: string;
  /** Period of the spec, in milliseconds. */
  readonly periodMs: number;
}

export const isProbed = ({ groups }: StatusInput): boolean =>
  groups.some((group) => group.probe !== undefined);
