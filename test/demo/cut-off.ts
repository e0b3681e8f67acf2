import type { OwnNetwork } from '../controlplane/own-network.ts';
import { eventually } from '../support/eventually.ts';
import { expectThat } from './stage.ts';
import type { Stage } from './stage.ts';

/** Network of all servers and of the name server. */
const servers = '10.20.0.0/16';

/** Name, version and endpoints of each slice. */
const contents = '{range .items[*]}{.metadata.name} {.metadata.resourceVersion} {.endpoints}{"\\n"}{end}';

export interface CutOffOptions {
  readonly stage: Stage;
  readonly kubectl: (args: readonly string[]) => Promise<string>;
  /** Runs the same command and shows it. */
  readonly show: (...args: string[]) => Promise<string>;
  /** Network of the operator. */
  readonly network: OwnNetwork;
  /** Returns the servers that `count` new connections reach. */
  readonly reached: (count: number) => Promise<readonly string[]>;
}

/** Shows that the operator removes no address while its own network fails. */
export async function cutOff({ stage, kubectl, show, network, reached }: CutOffOptions): Promise<void> {
  const slices = () => kubectl(['get', 'endpointslices', '-n', 'shop', '-o', `jsonpath=${contents}`]);
  const isolated = async () =>
    (await kubectl(['get', 'xb', '-n', 'shop', '-o', 'jsonpath={.items[*].status.conditions[*].reason}']))
      .split(' ')
      .filter((reason) => reason === 'OperatorIsolated').length;

  const crm = () => kubectl(['get', 'xb', 'crm-db', '-n', 'shop', '-o', 'jsonpath={.status.summary}']);

  await stage.step('The operator is cut off from all servers: they only look dead', async () => {
    await eventually(crm, (text) => text === '2/3', {
      fact: 'the dead primary is removed',
      deadlineMs: 30_000,
    });
    const before = await slices();
    const undo = await network.cut([servers]);
    await eventually(isolated, (count) => count > 0, { fact: 'the operator notices it', deadlineMs: 30_000 });
    await show('get', 'xb', '-n', 'shop');
    const events = await show('get', 'events', '-n', 'shop', '--field-selector', 'reason=OperatorIsolated');
    expectThat('an Event reports it', events.includes('Warning'), events);
    expectThat('both servers take connections', (await reached(20)).length === 2, events);
    expectThat(
      'no EndpointSlice was written',
      (await slices()) === before,
      `${before}\nthen\n${await slices()}`,
    );
    stage.checked('an Event reports it, no EndpointSlice was written, and applications reach all servers');
    await undo();
    await eventually(isolated, (count) => count === 0, { fact: 'the cut has ended', deadlineMs: 30_000 });
    stage.checked('the cut has ended, and the operator reports no isolation any more');
  });
}
