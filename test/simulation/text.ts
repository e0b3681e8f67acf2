import type { History } from './history.ts';
import type { Violation } from './recorder.ts';

/** Returns the report of a history that breaks a rule: what was broken, and the history as a test can use it. */
export function reportOf(history: History, violations: readonly Violation[]): string {
  const broken = violations.map(
    ({ rule, atMs, text }) => `  ${(atMs / 1000).toFixed(2)} s  ${rule}: ${text}`,
  );
  return [
    `seed ${history.seed} breaks a rule:`,
    ...broken.slice(0, 5),
    'Its shortest form, for test/simulation/found.ts:',
    formatted(history),
  ].join('\n');
}

/** Returns the history as JSON, with one event on each line. */
export function formatted({ acts, ...rest }: History): string {
  const lines = acts.map((act) => `    ${JSON.stringify(act)}`).join(',\n');
  return `${JSON.stringify(rest).slice(0, -1)},\n  "acts": [\n${lines}\n  ]}`;
}
