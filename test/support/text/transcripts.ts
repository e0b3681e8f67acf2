/** Step of a page, in its order. `line` is that of the page, from 1. */
export type PageStep =
  /** A command of a block that is marked. `output`: the lines that it prints; undefined if the page does not show them. */
  | {
      readonly kind: 'command';
      readonly command: string;
      readonly output: readonly string[] | undefined;
      readonly line: number;
    }
  /** An act outside of the cluster: a verb and its arguments. */
  | { readonly kind: 'action'; readonly words: readonly string[]; readonly line: number }
  /** A file that the page shows. */
  | { readonly kind: 'file'; readonly path: string; readonly text: string; readonly line: number };

/**
 * The steps of a Markdown page, by marks that a reader does not see:
 *
 * | mark                      | followed by           | step                                                        |
 * |---------------------------|-----------------------|-------------------------------------------------------------|
 * | `<!-- tested -->`         | a block ```` ```console ```` | its commands: lines after `$ `, each with its output |
 * | `<!-- runs -->`           | an indented block     | its commands, one a line                                    |
 * | `<!-- runs: NAME=db -->`  | an indented block     | the same, with `db` in place of each word `NAME`            |
 * | `<!-- do: stop 10.0.0.1 -->` | -                  | an action, `stop` with `10.0.0.1`                           |
 * | `<!-- file: docs/a.yaml -->` | a block ```` ```yaml ```` | a file that has exactly this content                 |
 */
export function stepsOf(page: string): readonly PageStep[] {
  const lines = page.split('\n');
  return lines.flatMap((text, index): readonly PageStep[] => {
    const [, mark, argument = ''] = /^<!-- (tested|runs|do|file)(?:: (.*))? -->$/.exec(text) ?? [];
    if (mark === undefined) return [];
    if (mark === 'do') return [{ kind: 'action', words: argument.split(' '), line: index + 1 }];
    if (mark === 'runs') return indentedCommands(lines, index + 2, argument);
    const block = blockAt(lines, index + 1, mark === 'tested' ? 'console' : 'yaml');
    if (mark === 'tested') return commandsOf(block, index + 3);
    return [
      { kind: 'file', path: argument, text: block.map((line) => `${line}\n`).join(''), line: index + 1 },
    ];
  });
}

function blockAt(lines: readonly string[], start: number, language: string): readonly string[] {
  if (lines[start] !== `\`\`\`${language}`)
    throw new Error(`line ${start + 1}: a block of ${language} must follow its mark`);
  return lines.slice(start + 1, lines.indexOf('```', start + 1));
}

/** Commands of the indented block that begins at a line, with words replaced as `NAME=db NAMESPACE=shop`. */
function indentedCommands(lines: readonly string[], start: number, words: string): readonly PageStep[] {
  const rest = lines.slice(start);
  const length = rest.findIndex((line) => !line.startsWith('    '));
  const block = rest.slice(0, length < 0 ? rest.length : length);
  if (lines[start - 1] !== '' || block.length === 0)
    throw new Error(`line ${start}: an empty line and an indented block must follow their mark`);
  return block.map((text, index) => ({
    kind: 'command',
    command: replaced(text.trim(), words),
    output: undefined,
    line: start + index + 1,
  }));
}

const replaced = (command: string, words: string): string =>
  words
    .split(' ')
    .map((pair) => pair.split('='))
    .reduce(
      (text, [word = '', value = '']) =>
        word === '' ? text : text.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), value),
      command,
    );

function commandsOf(block: readonly string[], first: number): readonly PageStep[] {
  const starts = block.flatMap((text, index) => (text.startsWith('$ ') ? [index] : []));
  return starts.map((start, index) => ({
    kind: 'command',
    command: (block[start] ?? '').slice(2),
    output: block.slice(start + 1, starts[index + 1]).filter((text) => text !== ''),
    line: first + start,
  }));
}

const spaces = (text: string): string => text.trim().replace(/\s+/g, ' ');
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Words that differ from run to run: an age, and a cluster IP of the control plane of the tests. */
const varying = /^(?:(?:\d+[smhd])+|10\.96\.\d{1,3}\.\d{1,3})$/;

/**
 * Whether a line is what the page shows. Spaces count as one, any age is as good as another, and so is any cluster IP; `…` in the page is any text.
 */
function isLine(shown: string, printed: string): boolean {
  const words = spaces(shown)
    .split(' ')
    .map((word) => {
      if (!varying.test(word)) return escaped(word).replaceAll('…', '.*');
      return word.startsWith('10.96.') ? '10\\.96\\.\\d+\\.\\d+' : '(?:\\d+[smhd])+';
    });
  return new RegExp(`^${words.join(' ')}$`).test(spaces(printed));
}

/** Whether an output is what the page shows, line by line. */
export const isShown = (shown: readonly string[], printed: readonly string[]): boolean =>
  shown.length === printed.length && shown.every((line, index) => isLine(line, printed[index] ?? ''));

/** Whether an output has the lines that the page shows, in their order, and perhaps others between them. */
export function containsShown(shown: readonly string[], printed: readonly string[]): boolean {
  let next = 0;
  for (const line of printed) if (next < shown.length && isLine(shown[next] ?? '', line)) next += 1;
  return next === shown.length;
}
