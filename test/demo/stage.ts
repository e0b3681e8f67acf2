import { styleText } from 'node:util';

/** Output of the demo, step by step. A step that fails ends the demo. */
export interface Stage {
  /** Prints a step and runs it. An error that it throws fails the demo. */
  step<T>(title: string, run: () => Promise<T>): Promise<T>;
  /** Prints a command as the user would type it, and its output. */
  show(command: string, output: string): void;
  /** Prints a fact that was checked. */
  checked(fact: string): void;
}

export function openStage(write: (text: string) => void = (text) => void process.stdout.write(text)): Stage {
  const line = (text = '') => write(`${text}\n`);
  let number = 0;
  return {
    step: async (title, run) => {
      number += 1;
      const started = performance.now();
      line(`\n${styleText('bold', `${number}. ${title}`)}`);
      const result = await run();
      line(styleText('dim', `   ${((performance.now() - started) / 1000).toFixed(1)} s`));
      return result;
    },
    show: (command, output) => {
      line(styleText('cyan', `   $ ${command}`));
      for (const each of output.trimEnd().split('\n')) line(`   ${each}`);
    },
    checked: (fact) => line(styleText('green', `   ✓ ${fact}`)),
  };
}

/** Fails with the expected fact and the observed value. */
export function expectThat(fact: string, holds: boolean, seen: unknown): void {
  if (!holds)
    throw new Error(`expected: ${fact}\nobserved: ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
}
