/**
 * Shows that the tests of hostile servers can fail: raises each bound of a probe run to infinity in turn, runs the tests, and
 * prints which of them fail then. Run by hand, in a clean checkout: `node test/support/hostile/mutate.ts`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '../../..');

/** Bounds by file: the name of the constant. */
const bounds: Readonly<Record<string, readonly string[]>> = {
  'src/probe/connection/budget.ts': [
    'maxInterim',
    'maxHandshakeBytes',
    'maxBytes',
    'maxChunks',
    'maxRecords',
    'maxBytesBehind',
  ],
  'src/probe/mysql/mysql-session.ts': ['maxMysqlBytes', 'maxPacketBytes', 'maxPackets', 'maxLoginPackets'],
  'src/probe/mysql/mysql.ts': ['maxAnswers'],
  'src/probe/mysql/mysql-key.ts': ['maxKeyBits', 'maxKeyBytes', 'maxExponent'],
  'src/probe/postgres/postgres.ts': ['maxMessages'],
  'src/probe/postgres/postgres-guard.ts': ['maxMessages', 'maxIterations'],
  'src/probe/http/http.ts': ['maxRequests'],
  'src/probe/http/http-exchange.ts': ['maxHeadBytes'],
  'src/probe/http/http-body.ts': ['maxBodyBytes'],
  'src/probe/grpc/grpc-health.ts': ['maxBodyBytes'],
  'src/probe/redis/redis-reply.ts': ['maxLineBytes', 'maxBulkBytes'],
  'src/probe/memcached/memcached.ts': ['maxLineBytes'],
  'src/probe/mongodb/mongodb-message.ts': ['maxMessageBytes'],
  'src/probe/postgres/postgres-messages.ts': ['maxAnswerBytes'],
};

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function failing(): readonly string[] {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', jest, '--selectProjects', 'unit', '--maxWorkers=1', '--json'];
  const { stdout } = spawnSync(process.execPath, [...args, '--testPathPatterns', 'test/probe/hostile'], {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  });
  const { testResults } = JSON.parse(stdout) as Report;
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  );
}

const only = process.argv[2];
for (const [file, names] of Object.entries(bounds))
  for (const name of names) {
    if (only !== undefined && only !== name) continue;
    const path = join(root, file);
    const source = readFileSync(path, 'utf8');
    const mutated = source.replace(new RegExp(`(const ${name} = )[^;]+;`), (_, begin: string) =>
      name === 'maxExponent' ? `${begin}2n ** 4096n;` : `${begin}1e12;`,
    );
    if (mutated === source) throw new Error(`${file} has no ${name}`);
    try {
      writeFileSync(path, mutated);
      const failed = failing();
      console.log(`| ${file} \`${name}\` | ${failed.length} | ${failed.slice(0, 3).join('; ')} |`);
    } finally {
      writeFileSync(path, source);
    }
  }
