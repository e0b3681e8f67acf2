import { describe, expect, it } from '@jest/globals';
import { HeadReader } from '../../../src/probe/http/http-head.ts';
import { cpuMs } from '../support/cpu-ms.ts';

const bytes = 60_000;
const heads = {
  'one value with a run of spaces inside': `A: x${' '.repeat(bytes)}y\r\n`,
  'one value with a run of tabs inside': `A: x${'\t'.repeat(bytes)}y\r\n`,
  'one name with a run of spaces inside': `A${' '.repeat(bytes)}b: x\r\n`,
  'one header that goes on in each line': `A: x\n${' x\n'.repeat(bytes / 3)}`,
  'one header again and again': 'a:\n'.repeat(bytes / 3),
};

describe('the reader of heads of HTTP answers', () => {
  it.each(Object.entries(heads))('reads 60 KB of %s without occupying the process', (_, lines) => {
    const answer = Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
    const spent = cpuMs(() =>
      expect(new HeadReader(0).read(answer)).toMatchObject({ status: 200, end: answer.length }),
    );
    expect(spent).toBeLessThan(1_000);
  });

  it('leaves out spaces and tabs around a value, and none inside', () => {
    const answer = Buffer.from('HTTP/1.1 200 OK\r\nA: \t x \t y\t \r\nB:\r\nC: \t \r\nA:z\r\n\r\n');
    const head = new HeadReader(0).read(answer);
    const headers = typeof head === 'string' ? [] : [...head.headers];
    expect(headers).toEqual([
      ['a', ['x \t y', 'z']],
      ['b', ['']],
      ['c', ['']],
    ]);
  });
});
