import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';

// Sums Jest's result files of a directory; see .ci/test.sh, which writes them there.

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Test files that failed before their tests ran. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly Assertion[];
  }[];
}

interface Assertion {
  readonly status: string;
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}

const [dir = '.'] = process.argv.slice(2);
const files = readdirSync(dir).filter((file) => file.endsWith('.json'));
const texts = files.map((file) => readFileSync(join(dir, file), 'utf8').trim());
// A level that ended before it could write its results.
const unfinished = texts.filter((text) => text === '').length;
const results = texts.filter((text) => text !== '').map((text) => JSON.parse(text) as Results);
const checks = existsSync(join(dir, 'checks'))
  ? readFileSync(join(dir, 'checks'), 'utf8').trim().split('\n').length
  : 0;
const sum = (count: (result: Results) => number) =>
  results.reduce((total, result) => total + count(result), 0);

/** The only reason to skip a test: the mirror of the machine does not have a package. */
const mayBeSkipped = (fullName: string): boolean => fullName.includes("Debian unstable's");
let wrongfully = 0;

/** Returns the failure, from the assertion to the first lines of the stack, because readers see the end of a long log. */
const reasonsOf = ({ failureMessages }: Assertion): readonly string[] =>
  failureMessages.flatMap((message) => stripVTControlCharacters(message).split('\n').slice(0, 12));

for (const { name, assertionResults } of results.flatMap(({ testResults }) => testResults)) {
  for (const assertion of assertionResults) {
    const { status, fullName } = assertion;
    if (status === 'pending' || status === 'todo') {
      console.log(`skipped: ${basename(name)}: ${fullName}`);
      if (!mayBeSkipped(fullName)) wrongfully += 1;
    }
    if (status === 'failed')
      console.log([`failed: ${basename(name)}: ${fullName}`, ...reasonsOf(assertion)].join('\n    '));
  }
}
const failed =
  checks + unfinished + sum((result) => result.numFailedTests + result.numRuntimeErrorTestSuites);
const skipped = sum((result) => result.numPendingTests + result.numTodoTests);
console.log(`${sum((result) => result.numPassedTests)} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || (wrongfully > 0 && process.env['CI'] === 'true') ? 1 : 0;
