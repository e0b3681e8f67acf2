/** One line of a Markdown page outside of code blocks, with its number (1-based). */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** A link in a Markdown page: its target as written, and the line that contains it. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** Lines of a page that are neither in a fenced nor in an indented code block. Indented lines of a list count as text. */
export function textLines(page: string): readonly Line[] {
  let isFenced = false;
  let isList = false;
  return page.split('\n').flatMap((text, index) => {
    const isFence = /^\s*(```|~~~)/.test(text);
    if (isFence) isFenced = !isFenced;
    if (/^\S/.test(text)) isList = /^(?:[-*+]|\d+\.) /.test(text);
    const isCode = isFence || isFenced || (/^ {4}/.test(text) && !isList);
    return isCode ? [] : [{ number: index + 1, text }];
  });
}

/** Inline links (`[text](target)`) of a page, except in code. */
export function linksOf(page: string): readonly Link[] {
  return textLines(page).flatMap(({ number, text }) =>
    [...text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map(([, target = '']) => ({
      target,
      line: number,
    })),
  );
}

/** Anchors of the headings of a page, by the rules of GitHub: lower case, no punctuation, `-1`, `-2` … after a repetition. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { text } of textLines(page)) {
    const heading = /^#{1,6} +(.*?) *#*$/.exec(text)?.[1];
    if (heading !== undefined) anchors.add(unused(slugOf(heading), anchors));
  }
  return anchors;
}

const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');

function unused(slug: string, taken: ReadonlySet<string>): string {
  let candidate = slug;
  for (let count = 1; taken.has(candidate); count += 1) candidate = `${slug}-${String(count)}`;
  return candidate;
}

/** Returns the text between a heading and the next heading. */
export const sectionOf = (page: string, heading: string): string =>
  page.split(`\n${heading}\n`)[1]?.split(/\n#{1,6} /)[0] ?? '';

/** Returns the rows of the table below a heading, without the header. */
export function tableBelow(page: string, heading: string): readonly (readonly string[])[] {
  const rows = sectionOf(page, heading)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
