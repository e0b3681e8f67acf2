import { styleText } from 'node:util';

/** What the demo shows, step by step; a step that does not hold ends it. */
export interface Stage {
  /** Announces a step and runs it; what it throws fails the demo. */
  step<T>(title: string, run: () => Promise<T>): Promise<T>;
  /** A command as the user would type it, and what came of it. */
  show(command: string, output: string): void;
  /** What has just been checked. */
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

/** Fails with what was expected and what was seen. */
export function expectThat(fact: string, holds: boolean, seen: unknown): void {
  if (!holds)
    throw new Error(`not so: ${fact}\nseen: ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
}
