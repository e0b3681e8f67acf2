/** What a server answers, however malformed, and what becomes of it. */
export interface AnswerRow {
  readonly title: string;
  /** Each character is a byte. A function of how many requests came before. */
  readonly bytes: string | ((before: number) => string);
  /** What the server does after it. */
  readonly then?: 'close' | 'reset' | 'wait';
  readonly isUp: boolean;
  /** Why the kubelet's result is another one. */
  readonly differs?: string;
}

const ok = 'HTTP/1.1 200 OK\r\n';
const length = 'Content-Length: 2\r\n';
const body = '\r\nok';
const plain = `${ok}${length}${body}`;
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const wholeHead =
  'the head is whole, and its status decides; the kubelet drops its result without counting it';
const bounded = 'heads are bounded by 64 KiB, of net/http by 10 MiB';
const redirectTo = (location: string) =>
  `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

const up = (title: string, bytes: AnswerRow['bytes'], then?: AnswerRow['then']): AnswerRow => ({
  title,
  bytes,
  isUp: true,
  ...(then !== undefined && { then }),
});
const down = (title: string, bytes: AnswerRow['bytes'], then?: AnswerRow['then']): AnswerRow => ({
  ...up(title, bytes, then),
  isUp: false,
});
const unlike = (row: AnswerRow, differs: string): AnswerRow => ({ ...row, differs });

const lineEnds: readonly AnswerRow[] = [
  up('LF for CR LF', plain.replaceAll('\r\n', '\n')),
  up('LF after the status line', plain.replace('\r\n', '\n')),
  up('LF after the headers', `${ok}X-A: 1\nX-B: 2\nContent-Length: 2\n\nok`),
  up('LF as the empty line', `${ok}${length}\nok`),
  down('CR for CR LF', plain.replaceAll('\r\n', '\r')),
  down('LF CR for CR LF', plain.replaceAll('\r\n', '\n\r')),
  up('CR in the reason', `HTTP/1.1 200 O\rK\r\n${length}${body}`),
  up('CR CR LF after the reason', `HTTP/1.1 200 OK\r\r\n${length}${body}`),
  down('CR CR LF after the status', `HTTP/1.1 200\r\r\n${length}${body}`),
  down('CR in a value', `${ok}X-A: 1\r2\r\n${length}${body}`),
  down('CR CR LF after a header', `${ok}X-A: 1\r\r\n${length}${body}`),
  down('CR CR LF as the empty line', `${ok}X-A: 1\r\n\r\r\nok`),
];

const statusLines: readonly AnswerRow[] = [
  up('no reason', `HTTP/1.1 200\r\n${length}${body}`),
  up('a space and no reason', `HTTP/1.1 200 \r\n${length}${body}`),
  up('many spaces before the status', `HTTP/1.1    200 OK\r\n${length}${body}`),
  up('a reason of 8,000 characters', `HTTP/1.1 200 ${'x'.repeat(8_000)}\r\n${length}${body}`),
  up('a reason in UTF-8', `HTTP/1.1 200 d'accord \xc3\xa9\r\n${length}${body}`),
  up('a zero byte in the reason', `HTTP/1.1 200 O\0K\r\n${length}${body}`),
  up('HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok'),
  up('HTTP/0.9 as a version', `HTTP/0.9 200 OK\r\n${body}`),
  up('HTTP/1.2', `HTTP/1.2 200 OK\r\n${length}${body}`),
  up('HTTP/2.0', `HTTP/2.0 200 OK\r\n${length}${body}`),
  up('HTTP/9.9', `HTTP/9.9 200 OK\r\n${length}${body}`),
  down('HTTP/2', `HTTP/2 200 OK\r\n${length}${body}`),
  down('HTTP/1.10', `HTTP/1.10 200 OK\r\n${length}${body}`),
  down('http in lower case', `http/1.1 200 OK\r\n${length}${body}`),
  down('ICY', `ICY 200 OK\r\n${length}${body}`),
  down('another protocol', `SIP/2.0 200 OK\r\n${length}${body}`),
  down('no status line (HTTP/0.9)', '<html>ok</html>\n'),
  down('an empty line before', `\r\n${plain}`),
  down('a space before', ` ${plain}`),
  down('a tab before the status', `HTTP/1.1\t200 OK\r\n${length}${body}`),
  down('a tab after the status', `HTTP/1.1 200\tOK\r\n${length}${body}`),
  down('a status of two digits', `HTTP/1.1 20 OK\r\n${length}${body}`),
  down('a status of four digits', `HTTP/1.1 2000 OK\r\n${length}${body}`),
  down('a status with a sign', `HTTP/1.1 +20 OK\r\n${length}${body}`),
  down('a status that is no number', `HTTP/1.1 OK 200\r\n${length}${body}`),
  down('no status', `HTTP/1.1\r\n${length}${body}`),
  down('status 000', `HTTP/1.1 000 OK\r\n${length}${body}`),
  down('status 999', `HTTP/1.1 999 OK\r\n${length}${body}`),
];

const headers: readonly AnswerRow[] = [
  up('a space before the colon', `${ok}X-A : 1\r\n${length}${body}`),
  up('spaces in a name', `${ok}My own header: 1\r\n${length}${body}`),
  up(
    'Content-Length with a space before the colon, which does not count',
    `${ok}Content-Length : 100\r\n${body}`,
  ),
  up('no space after the colon', `${ok}X-A:1\r\nContent-Length:2\r\n${body}`),
  up('an empty value', `${ok}X-A:\r\n${length}${body}`),
  up('a value in UTF-8', `${ok}X-A: \xc3\xa9\r\n${length}${body}`),
  up('a value in Latin-1', `${ok}X-A: \xe9\r\n${length}${body}`),
  up('a tab in a value', `${ok}X-A: 1\t2\r\n${length}${body}`),
  up('a value that is continued', `${ok}X-A: 1\r\n  2\r\n\t3\r\n${length}${body}`),
  up('a continued line of spaces', `${ok}X-A: 1\r\n   \r\n${length}${body}`),
  up('500 headers', `${ok}${'X-A: 1\r\n'.repeat(500)}${length}${body}`),
  up('a header of 50 KB', `${ok}X-A: ${'x'.repeat(50_000)}\r\n${length}${body}`),
  unlike(down('a header of 100 KB', `${ok}X-A: ${'x'.repeat(100_000)}\r\n${length}${body}`), bounded),
  down('a first header that is continued', `${ok} X-A: 1\r\n${length}${body}`),
  down('a tab before the colon', `${ok}X-A\t: 1\r\n${length}${body}`),
  down('a line without a colon', `${ok}X-A\r\n${length}${body}`),
  down('an empty name', `${ok}: 1\r\n${length}${body}`),
  down('a name in UTF-8', `${ok}X-\xc3\xa9: 1\r\n${length}${body}`),
  down('a name with an @', `${ok}X@A: 1\r\n${length}${body}`),
  down('a zero byte in a value', `${ok}X-A: \0\r\n${length}${body}`),
  down('a control character in a value', `${ok}X-A: \x1b[0m\r\n${length}${body}`),
  down('no empty line', `${ok}${length}`),
  down('a status line alone', ok),
  down('a status line without an end', 'HTTP/1.1 200 OK'),
];

const framings: readonly AnswerRow[] = [
  up('Content-Length twice', `${ok}${length}${length}${body}`, 'wait'),
  up('Content-Length with zeros', `${ok}Content-Length: 0002\r\n${body}`, 'wait'),
  down('two Content-Lengths that differ', `${ok}${length}Content-Length: 3\r\n${body}`),
  down('Content-Length 2, 2', `${ok}Content-Length: 2, 2\r\n${body}`),
  down('Content-Length -1', `${ok}Content-Length: -1\r\n${body}`),
  down('Content-Length +2', `${ok}Content-Length: +2\r\n${body}`),
  down('Content-Length 0x2', `${ok}Content-Length: 0x2\r\n${body}`),
  down('an empty Content-Length', `${ok}Content-Length:\r\n${body}`),
  down('a Content-Length of 64 bits', `${ok}Content-Length: 9223372036854775808\r\n${body}`),
  down('Transfer-Encoding: identity', `${ok}Transfer-Encoding: identity\r\n${body}`),
  down('Transfer-Encoding: gzip, chunked', `${ok}Transfer-Encoding: gzip, chunked\r\n${body}`),
  down('Transfer-Encoding twice', `${ok}${'Transfer-Encoding: chunked\r\n'.repeat(2)}\r\n0\r\n\r\n`),
  up(
    'Transfer-Encoding and Content-Length',
    `${ok}${length}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`,
    'wait',
  ),
  up(
    'Transfer-Encoding with HTTP/1.0, which does not count',
    `HTTP/1.0 200 OK\r\nTransfer-Encoding: x\r\n${body}`,
  ),
  down('a bad Content-Length beside 204', 'HTTP/1.1 204 None\r\nContent-Length: x\r\n\r\n'),
];

const interim: readonly AnswerRow[] = [
  up('100, then 200', `HTTP/1.1 100 Continue\r\n\r\n${plain}`),
  up('103 with headers, then 200', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${plain}`),
  up('100 five times with LF', `${'HTTP/1.1 100 Continue\n\n'.repeat(5)}${plain}`),
  unlike(down('100 for 100 KB', `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(4_000)}${plain}`), bounded),
  down('100 and nothing', 'HTTP/1.1 100 Continue\r\n\r\n'),
  down('101', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  down('100, then no HTTP', 'HTTP/1.1 100 Continue\r\n\r\nhello\r\n'),
];

const bodies: readonly AnswerRow[] = [
  up('a connection that stays open', plain, 'wait'),
  up('no body, and a connection that stays open', `${ok}Content-Length: 0\r\n\r\n`, 'wait'),
  up('204 without a length, and a connection that stays open', 'HTTP/1.1 204 No Content\r\n\r\n', 'wait'),
  up('304 with a length, and a connection that stays open', `HTTP/1.1 304 Same\r\n${length}\r\n`, 'wait'),
  up('a head and the end', `${ok}\r\n`),
  up('a body without a length', `${ok}${body}`),
  up('a body longer than its length', `${plain} and more`),
  up('a body of 100 KB without a length', `${ok}\r\n${'x'.repeat(100_000)}`),
  up('a body that is not gzip', `${ok}Content-Encoding: gzip\r\n${length}${body}`),
  up('a reset after the body', plain, 'reset'),
  unlike(up('a reset after a head without a length', `${ok}\r\n`, 'reset'), wholeHead),
  unlike(up('a reset after a body without a length', `${ok}${body}`, 'reset'), wholeHead),
  down('a body shorter than its length', `${ok}Content-Length: 3\r\n${body}`),
  down('a reset before the end of the body', `${ok}Content-Length: 3\r\n${body}`, 'reset'),
  down('a body without a length, and a connection that stays open', `${ok}${body}`, 'wait'),
  up('chunks', `${chunked}2\r\nok\r\n0\r\n\r\n`, 'wait'),
  up('a chunk with an extension', `${chunked}2;a="b"\r\nok\r\n0\r\n\r\n`, 'wait'),
  up('a chunk with spaces after its size', `${chunked}2  \r\nok\r\n0\r\n\r\n`, 'wait'),
  up('chunks with a trailer', `${chunked}2\r\nok\r\n0\r\nX-A: 1\r\n\r\n`, 'wait'),
  up(
    'chunks of 20 KB',
    `${chunked}${'1000\r\n' + 'x'.repeat(4096) + '\r\n'}`.repeat(1) + `4000\r\n${'x'.repeat(16_384)}`,
  ),
  unlike(up('chunks that end with LF', `${chunked}2\nok\n0\n\n`), wholeHead),
  unlike(up('a chunk without a size', `${chunked}ok\r\n0\r\n\r\n`), wholeHead),
  unlike(up('a chunk whose size has 17 digits', `${chunked}00000000000000002\r\nok\r\n0\r\n\r\n`), wholeHead),
  unlike(up('a chunk longer than its size', `${chunked}1\r\nok\r\n0\r\n\r\n`), wholeHead),
  unlike(up('an empty line before the chunks', `${chunked}\r\n2\r\nok\r\n0\r\n\r\n`), wholeHead),
  unlike(up('chunks without the last line', `${chunked}2\r\nok\r\n0\r\n`), wholeHead),
  down('a chunk shorter than its size', `${chunked}3\r\nok`),
  down('chunks without the last chunk', `${chunked}2\r\nok\r\n`),
  down('no chunk', chunked),
];

const redirects: readonly AnswerRow[] = [
  up('to another host', redirectTo('http://192.0.2.1/')),
  up('without a Location', 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n'),
  up('with an empty Location', redirectTo('')),
  up('300, which is not followed', redirectTo('/').replace('302', '300')),
  up('304 with a Location', redirectTo('/').replace('302', '304')),
  up('of nine steps', (before) => (before < 9 ? redirectTo('/next') : plain)),
  down('of ten steps', (before) => (before < 10 ? redirectTo('/next') : plain)),
  down('in a circle', redirectTo('/')),
  up('with LF', (before) => (before === 0 ? 'HTTP/1.1 301 Moved\nLocation: /next\n\n' : plain)),
  up('with a continued Location', (before) =>
    before === 0 ? 'HTTP/1.1 301 Moved\r\nLocation:\r\n /next\r\nContent-Length: 0\r\n\r\n' : plain,
  ),
  up('with two Locations, the first of which counts', (before) =>
    before === 0 ? redirectTo('/next\r\nLocation: ftp://127.0.0.1/') : plain,
  ),
  up('with a Location in UTF-8', (before) => (before === 0 ? redirectTo('/\xc3\xa9') : plain)),
  down('to ftp', redirectTo('ftp://127.0.0.1/')),
  down('to no URL', redirectTo('http://[')),
  down('to a port that refuses', redirectTo('http://127.0.0.1:1/')),
  down('from 307 to an error', (before) =>
    before === 0 ? redirectTo('/next').replace('302', '307') : 'HTTP/1.1 500 No\r\n\r\n',
  ),
];

const titled = (group: string, rows: readonly AnswerRow[]) =>
  rows.map((row) => ({ ...row, title: `${group}: ${row.title}` }));

export const answers: readonly AnswerRow[] = [
  ...titled('line end', lineEnds),
  ...titled('status line', statusLines),
  ...titled('header', headers),
  ...titled('framing', framings),
  ...titled('interim answer', interim),
  ...titled('body', bodies),
  ...titled('redirect', redirects),
];
