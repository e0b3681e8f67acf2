import { eventually } from '../support/eventually.ts';
import { expectThat } from './stage.ts';
import type { Stage } from './stage.ts';

const [drained, other] = ['10.20.0.11', '10.20.0.12'];
const annotation = 'externalbackend.io/maintenance';

export interface DrainOptions {
  readonly stage: Stage;
  /** Runs a command of kubectl and shows it. */
  readonly show: (...args: string[]) => Promise<string>;
  /** Returns the servers that `count` new connections reach. */
  readonly reached: (count: number) => Promise<readonly string[]>;
}

/** Shows maintenance of one server by hand. */
export async function drain({ stage, show, reached }: DrainOptions): Promise<void> {
  const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const leads = (fact: string, ...servers: readonly string[]) =>
    eventually(
      () => reached(20),
      (list) => list.join() === servers.join(),
      { fact, deadlineMs: 10_000 },
    );

  await stage.step('One server is drained for maintenance, and comes back', async () => {
    await show('annotate', 'xb', 'orders-db', '-n', 'shop', `${annotation}=Drain ${drained} until ${until}`);
    await leads('new connections go to the other server', other);
    const wide = await show('get', 'xb', 'orders-db', '-n', 'shop', '-o', 'wide');
    expectThat('the column MAINTENANCE reports it', wide.includes('Drain'), wide);
    stage.checked(`all of 20 new connections reached ${other}, and ${drained} can be patched`);
    await show('annotate', 'xb', 'orders-db', '-n', 'shop', `${annotation}-`);
    await leads('both take connections', drained, other);
    stage.checked('both servers take connections again');
  });
}
