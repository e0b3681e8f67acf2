/**
 * Returns the texts of `Warning` headers (RFC 7234), such as `299 - "text"`. A header may have several.
 *
 * The API server sends them for deprecated fields and values, and for values that a later version refuses.
 */
export function warningTexts(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  const values = typeof header === 'string' ? [header] : header;
  return values.flatMap((value) =>
    [...value.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
      text.replace(/\\(.)/g, '$1'),
    ),
  );
}

/**
 * Expected warning: the operator writes Endpoints for clients that read them
 * (docs/adr/0004-legacy-endpoints.md).
 */
const expected = 'v1 Endpoints is deprecated';

/** Maximum number of different texts, because an admission webhook may send another text with each answer. */
const MAX_TEXTS = 100;
const MAX_CHARS = 500;

/** Reports each warning text of the API server once. */
export class Warnings<About> {
  readonly #onWarning: (text: string, about: About) => void;
  readonly #seen = new Set<string>();

  constructor(onWarning: (text: string, about: About) => void) {
    this.#onWarning = onWarning;
  }

  take(header: string | readonly string[] | undefined, about: About): void {
    for (const full of warningTexts(header)) {
      const text = full.slice(0, MAX_CHARS);
      if (text.startsWith(expected) || this.#seen.has(text) || this.#seen.size >= MAX_TEXTS) continue;
      this.#seen.add(text);
      this.#onWarning(text, about);
    }
  }
}
