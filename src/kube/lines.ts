const newline = 10;
/** The API server's own limit for a request is 3 MB, etcd's for a value 1.5 MB: more than this is no event. */
const maxLineBytes = 16 * 1024 * 1024;

/** Cuts a stream of bytes into lines, wherever its pieces begin and end. */
export class LineSplitter {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** True while the last line has not ended. */
  get midLine(): boolean {
    return this.#restBytes > 0;
  }

  /** The lines that end in this piece, without their newlines; empty ones are left out. */
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
