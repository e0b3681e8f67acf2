import type { OperatorOptions, RunningOperator } from '../../controlplane/operator.ts';
import { startOperator } from '../../controlplane/operator.ts';
import { openNetwork } from '../../controlplane/own-network.ts';
import type { OwnNetwork } from '../../controlplane/own-network.ts';
import { eventually } from '../eventually.ts';
import type { World } from './world.ts';

export interface PairedReplica {
  readonly identity: string;
  readonly network: OwnNetwork;
  readonly operator: RunningOperator;
}

const operatorNamespace = 'external-backend-operator';

/** Two replicas with leader election, each in a network of its own, as pods on two nodes. */
export class ReplicaPair {
  readonly #world: World;
  readonly #replicas: readonly PairedReplica[];

  private constructor(world: World, replicas: readonly PairedReplica[]) {
    this.#world = world;
    this.#replicas = replicas;
  }

  /** @param numbers of their networks */
  static async start(
    world: World,
    numbers: readonly [number, number],
    options: OperatorOptions = {},
  ): Promise<ReplicaPair> {
    const replicas: PairedReplica[] = [];
    for (const [n, number] of numbers.entries()) {
      const identity = n === 0 ? 'first' : 'second';
      const network = await openNetwork(number);
      const args = ['--leader-elect=true', `--identity=${identity}`, ...(options.args ?? [])];
      const operator = await startOperator(world.plane, { ...options, network, args });
      replicas.push({ identity, network, operator });
    }
    return new ReplicaPair(world, replicas);
  }

  /** Waits until one leads. */
  async roles(): Promise<{ readonly leader: PairedReplica; readonly witness: PairedReplica }> {
    const identity = await eventually(
      () => this.#leader(),
      (name) => name !== undefined,
      { fact: 'a replica leads', deadlineMs: 30_000 },
    );
    const [leader] = this.#replicas.filter((each) => each.identity === identity);
    const [witness] = this.#replicas.filter((each) => each.identity !== identity);
    if (leader === undefined || witness === undefined) throw new Error(`unknown leader ${identity}`);
    return { leader, witness };
  }

  /** Waits until this one leads. */
  async leads({ identity }: PairedReplica, deadlineMs: number): Promise<void> {
    await eventually(
      () => this.#leader(),
      (name) => name === identity,
      { fact: `${identity} leads`, deadlineMs },
    );
  }

  /** Cuts both off from networks. Returns how to undo it. */
  async cut(networks: readonly string[]): Promise<() => Promise<void>> {
    const undo = await Promise.all(this.#replicas.map(({ network }) => network.cut(networks)));
    return async () => {
      await Promise.all(undo.map((each) => each()));
    };
  }

  async close(): Promise<void> {
    for (const { operator, network } of this.#replicas) {
      await operator.kill();
      await network.close();
    }
  }

  async #leader(): Promise<string | undefined> {
    const { spec } = await this.#world.admin.get('Lease', operatorNamespace, operatorNamespace);
    return (spec.holderIdentity ?? '').split('_')[0] || undefined;
  }
}
