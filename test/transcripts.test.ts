import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { containsShown, isShown, stepsOf } from './support/text/transcripts.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe.each([
  'README.md',
  'docs/tutorial.md',
  'docs/cli.md',
  'docs/dns.md',
  'docs/operations.md',
  'docs/troubleshooting.md',
])('%s', (page) => {
  it('shows its files as they are', () => {
    for (const step of stepsOf(read(page))) {
      if (step.kind !== 'file') continue;
      expect(existsSync(join(root, step.path))).toBe(true);
      const text = read(step.path).replace(/^#.*\n/, '');
      expect(`line ${step.line}\n${step.text}`).toBe(`line ${step.line}\n${text}`);
    }
  });

  it('has commands that are tested', () => {
    expect(stepsOf(read(page)).filter(({ kind }) => kind === 'command')).not.toEqual([]);
  });
});

describe('the steps of a page', () => {
  it('are its marked commands, actions and files, in their order', () => {
    const page = [
      '<!-- tested -->',
      '```console',
      '$ a b',
      'c',
      '$ d',
      '```',
      '<!-- do: stop 10.0.0.1 -->',
      '```console',
      '$ not marked',
      '```',
      '<!-- file: x.yaml -->',
      '```yaml',
      'a: 1',
      '```',
    ].join('\n');
    expect(stepsOf(page)).toEqual([
      { kind: 'command', command: 'a b', output: ['c'], line: 3 },
      { kind: 'command', command: 'd', output: [], line: 5 },
      { kind: 'action', words: ['stop', '10.0.0.1'], line: 7 },
      { kind: 'file', path: 'x.yaml', text: 'a: 1\n', line: 11 },
    ]);
  });

  it('are the commands of an indented block that must succeed, with the words that the mark replaces', () => {
    const page = '<!-- runs: NAME=db -->\n\n    get NAME -n NAMESPACE\n    get NAMES   # all\n\nText';
    expect(stepsOf(page)).toEqual([
      { kind: 'command', command: 'get db -n NAMESPACE', output: undefined, line: 3 },
      { kind: 'command', command: 'get NAMES   # all', output: undefined, line: 4 },
    ]);
  });

  it('are refused if no block follows a mark', () => {
    expect(() => stepsOf('<!-- tested -->\n\n```console\n$ a\n```')).toThrow('line 2');
    expect(() => stepsOf('<!-- runs -->\n    a')).toThrow('line 2');
    expect(() => stepsOf('<!-- runs -->\n\ntext')).toThrow('line 2');
  });
});

describe('an output that a page shows', () => {
  it.each([
    ['a   b 12s', 'a b 3m4s', true],
    ['a b 12s', 'a b c', false],
    ['db 10.96.1.2', 'db 10.96.77.8', true],
    ['db 10.20.1.2', 'db 10.20.77.8', false],
    ['db-… ready', 'db-x7k2p ready', true],
    ['a.b', 'axb', false],
  ])('of %j: %j is %s', (shown, printed, expected) => {
    expect(isShown([shown], [printed])).toBe(expected);
  });

  it('has each line, and of a watch all lines in their order', () => {
    expect(isShown(['a', 'b'], ['a'])).toBe(false);
    expect(containsShown(['a', 'c'], ['a', 'b', 'c'])).toBe(true);
    expect(containsShown(['c', 'a'], ['a', 'b', 'c'])).toBe(false);
  });
});
