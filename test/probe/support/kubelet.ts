import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { mustRun } from '../../controlplane/run.ts';

/** `error`: the kubelet has no result, and none counts. */
export type KubeletResult = 'success' | 'warning' | 'failure' | 'error';

export interface Kubelet {
  /** One httpGet probe with a timeout of one second. */
  get(url: string): Promise<{ readonly result: KubeletResult; readonly cause: string }>;
  stop(): Promise<void>;
}

/** Go's net/http, asked as the kubelet asks it. Built on first use, some seconds. */
export async function startKubelet(): Promise<Kubelet> {
  const build = fileURLToPath(new URL('../../../.ci/go-program.sh', import.meta.url));
  const program = spawn((await mustRun([build, 'gohttp'], { timeoutMs: 300_000 })).trim(), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  return {
    get: async (url) => {
      program.stdin.write(`${url}\n`);
      const line = await lines.next();
      const [result = '', ...cause] = String(line.value).split(' ');
      return { result: result as KubeletResult, cause: cause.join(' ') };
    },
    stop: async () => {
      program.stdin.end();
      if (program.exitCode === null) await once(program, 'exit');
    },
  };
}
