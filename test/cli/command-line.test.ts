import { describe, expect, it } from '@jest/globals';

import { commands } from '../../src/cli/commands.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { styleOf, type ColourMode } from '../../src/cli/terminal.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';

async function ran(...words: readonly string[]) {
  let [out, err] = ['', ''];
  const code = await runCli(words, {
    env: { KUBECONFIG: '/nonexistent/kubeconfig' },
    write: (text) => (out += text),
    writeError: (text) => (err += text),
    isTerminal: false,
    columns: undefined,
  });
  return { code, out, err };
}

describe('a command line', () => {
  it.each([
    [['state'], 'unknown command "state": it is one of'],
    [['-n', 'shop', 'status'], 'flags come after the command'],
    [['status', '--nope'], "Unknown option '--nope'"],
    [['status', '-o', 'xml'], '--output is one of table, wide, json, yaml, not "xml"'],
    [['status', 'a', 'b'], 'status takes [NAME], not 2 arguments'],
    [['status', 'a', '-A'], 'status takes a name, or -A and -l, not both'],
    [['version', '--color'], 'argument missing'],
  ])('%j is refused with code 2 and the next step', async (words, message) => {
    const { code, out, err } = await ran(...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  it.each([['-n', 'shop'], ['-n=shop'], ['-nshop'], ['--namespace=shop']])(
    'takes flags as kubectl does: %s %s',
    (...words) => {
      const line = parseCommandLine(['status', ...words]);
      expect(line.kind === 'run' && line.flags.text('namespace')).toBe('shop');
    },
  );

  it('of a kubeconfig that is missing ends with code 1 and the next step', async () => {
    const { code, err } = await ran('status');
    expect([code, err]).toEqual([1, expect.stringContaining('Set KUBECONFIG or --kubeconfig')]);
  });
});

describe('the help', () => {
  it('lists every command, and has a page for each', async () => {
    const { code, out } = await ran('--help');
    expect(code).toBe(0);
    for (const { name, summary } of commands) {
      expect(out).toContain(summary);
      expect((await ran(name, '--help')).out).toContain(`kubectl external-backend ${name}`);
    }
  });
});

describe('colours', () => {
  it.each<[ColourMode, Readonly<Record<string, string>>, boolean, boolean]>([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { TERM: 'dumb' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true],
    ['never', {}, true, false],
  ])('with --color=%s, %j and a terminal: %s are used: %s', (mode, env, isTerminal, colour) => {
    const style = styleOf(
      { env, isTerminal, columns: 80, write: () => undefined, writeError: () => undefined },
      mode,
    );
    expect([style.colour, style.width]).toEqual([colour, isTerminal ? 80 : undefined]);
  });
});
