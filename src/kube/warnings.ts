/**
 * Texts of a `Warning` header (RFC 7234): `299 - "text"`, several of them in one header or in several.
 *
 * The API server warns of fields and values that are deprecated, and of values that a later version refuses.
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

/** The operator writes Endpoints for clients that read them, on purpose (docs/adr/0004-legacy-endpoints.md). */
const expected = 'v1 Endpoints is deprecated';

/** An admission webhook may send another text with each answer. */
const MAX_TEXTS = 100;
const MAX_CHARS = 500;

/** Passes on each warning text of the API server once. */
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
