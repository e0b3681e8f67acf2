const maxLength = 120;

/**
 * Returns a text for a verdict's message: printable ASCII, one line, at most 120 characters. The caller omits
 * what `Verdict` forbids.
 */
export function cleanMessage(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 3)}...`;
}
