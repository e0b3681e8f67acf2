/** Head of an answer: status line and headers. */
export interface Head {
  readonly status: number;
  /** 10 for HTTP/1.0, 11 for HTTP/1.1. */
  readonly version: number;
  /** Values by lower-case name. Names with a space are never looked up. Each byte is a character. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Offset of the body. */
  readonly end: number;
}

/**
 * Reads a head like net/http (textproto.Reader, ReadResponse), line by line as the bytes arrive:
 *
 * | part                              | accepted                                                             |
 * |-----------------------------------|----------------------------------------------------------------------|
 * | end of a line                     | CR LF, or LF alone                                                   |
 * | status line                       | `HTTP/` digit `.` digit, spaces, three digits, then a space or the end |
 * | reason                            | none, or any bytes                                                   |
 * | line that begins with a space     | continues the header before it; malformed as the first header        |
 * | name of a header                  | one or more token characters and spaces, also before the colon       |
 * | value of a header                 | any bytes except control characters; tabs are accepted               |
 * | end of the head                   | an empty line                                                        |
 */
export class HeadReader {
  #next: number;
  #version = 0;
  #status: number | undefined;
  readonly #lines: string[] = [];

  /** @param start offset of the head */
  constructor(start: number) {
    this.#next = start;
  }

  /** @param received the same bytes as before, and those that arrived since */
  read(received: Buffer): Head | 'unfinished' | 'malformed' {
    for (;;) {
      const end = received.indexOf(0x0a, this.#next);
      if (end === -1) return this.#isBegun(received) ? 'unfinished' : 'malformed';
      const line = received.toString('latin1', this.#next, end).replace(/\r$/, '');
      this.#next = end + 1;
      if (this.#status !== undefined && line === '') return this.#finished(this.#status);
      if (!this.#take(line)) return 'malformed';
    }
  }

  /** Returns true when an incomplete line may still become a line of a head. */
  #isBegun(received: Buffer): boolean {
    if (this.#status !== undefined) return true;
    const start = received.toString('latin1', this.#next, this.#next + protocolName.length);
    return protocolName.startsWith(start);
  }

  #take(line: string): boolean {
    if (this.#status === undefined) return this.#takeStatus(line);
    const last = this.#lines.length - 1;
    const isContinued = /^[ \t]/.test(line);
    if (isContinued && last >= 0) this.#lines[last] = `${this.#lines[last] ?? ''} ${trim(line)}`;
    else if (isContinued || !line.includes(':')) return false;
    else this.#lines.push(trim(line));
    return true;
  }

  #takeStatus(line: string): boolean {
    const [, major, minor, status] = /^HTTP\/(\d)\.(\d) +(\d{3})(?: |$)/.exec(line) ?? [];
    if (status === undefined) return false;
    this.#version = Number(`${major ?? ''}${minor ?? ''}`);
    this.#status = Number(status);
    return true;
  }

  #finished(status: number): Head | 'malformed' {
    const headers = new Map<string, string[]>();
    for (const line of this.#lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      const value = trim(line.slice(colon + 1));
      if (!isName.test(name) || !isValue.test(value)) return 'malformed';
      const key = name.toLowerCase();
      const values = headers.get(key);
      if (values === undefined) headers.set(key, [value]);
      else values.push(value);
    }
    return { status, version: this.#version, headers, end: this.#next };
  }
}

const protocolName = 'HTTP/';
const isName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z ]+$/;
const isValue = /^[^\x00-\x08\x0a-\x1f\x7f]*$/;

/**
 * Removes spaces and tabs at both ends, in linear time. The expression `/[ \t]+$/` is tried again at each
 * space, so 64 KiB of spaces would occupy this thread for seconds.
 */
function trim(text: string): string {
  const isBlank = (at: number) => text[at] === ' ' || text[at] === '\t';
  let begin = 0;
  let end = text.length;
  while (begin < end && isBlank(begin)) begin += 1;
  while (end > begin && isBlank(end - 1)) end -= 1;
  return text.slice(begin, end);
}
