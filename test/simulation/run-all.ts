import process from 'node:process';
import { historyOf } from './draw-history.ts';
import type { Ports } from './replica-options.ts';
import type { RuleName } from './rules/rules.ts';
import { shrink } from './shrink.ts';
import { judge } from './compare-afresh.ts';
import { reportOf } from './text.ts';

export interface RunOptions {
  readonly seed: number;
  readonly count: number;
  readonly ports: Ports;
  /** Rule that must be broken; undefined: none may be. */
  readonly breaks: RuleName | undefined;
}

/** Runs histories until one breaks a rule that it must break. Returns true if all went as it must. */
export async function runAll({ seed, count, ports, breaks }: RunOptions): Promise<boolean> {
  const started = process.cpuUsage();
  let [bad, simulatedMs] = [0, 0];
  for (let i = 0; i < count; i++) {
    const history = historyOf(seed + i);
    const course = await judge(history, ports);
    simulatedMs += course.simulatedMs;
    const rule = course.violations[0]?.rule;
    if (rule === undefined) continue;
    bad += 1;
    if (breaks !== undefined) {
      console.log(`seed ${seed + i} breaks "${rule}"`);
      if (rule === breaks) return true;
      continue;
    }
    await report(history, rule, ports);
  }
  const { user, system } = process.cpuUsage(started);
  const ms = (user + system) / 1000;
  const [each, simulated] = [ms / count, simulatedMs / count / 1000];
  console.log(
    `${count} histories from seed ${seed}, ${bad} break a rule; ${each.toFixed(1)} ms of CPU and ${simulated.toFixed(1)} simulated s each`,
  );
  return bad === 0 && breaks === undefined;
}

async function report(history: ReturnType<typeof historyOf>, rule: RuleName, ports: Ports): Promise<void> {
  const isSame = async (given: typeof history) => (await judge(given, ports)).violations[0]?.rule === rule;
  const shortest = process.env['SHRINK'] === '0' ? history : await shrink(history, isSame);
  console.log(reportOf(shortest, (await judge(shortest, ports)).violations));
}
