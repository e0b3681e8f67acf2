const newline = 10;
/** Maximum length of a line. The API server limits a request to 3 MB, and etcd a value to 1.5 MB. */
const maxLineBytes = 16 * 1024 * 1024;

/** Splits a stream of bytes into lines, wherever its chunks begin and end. */
export class LineSplitter {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** True while the last line has not ended. */
  get midLine(): boolean {
    return this.#restBytes > 0;
  }

  /** Returns the lines that end in this chunk, without their newlines. Empty lines are left out. */
  push(piece: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = piece.indexOf(newline); at !== -1; at = piece.indexOf(newline, from)) {
      const line = this.#complete(piece.subarray(from, at));
      if (line !== '') lines.push(line);
      from = at + 1;
    }
    this.#keep(piece.subarray(from));
    return lines;
  }

  #complete(end: Buffer): string {
    if (this.#restBytes === 0) return end.toString('utf8');
    const line = Buffer.concat([...this.#rest, end]).toString('utf8');
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#rest.push(rest);
    this.#restBytes += rest.length;
    if (this.#restBytes > maxLineBytes) throw new RangeError(`a line of more than ${maxLineBytes} bytes`);
  }
}
