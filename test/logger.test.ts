import { describe, expect, it } from '@jest/globals';
import { OperatorError } from '../src/core/errors.ts';
import type { LogFields, Logger } from '../src/util/log.ts';
import { createLogger } from '../src/logger.ts';

type Line = Readonly<Record<string, unknown>>;

function logged(act: (logger: Logger) => void, level: 'debug' | 'info' | 'error' = 'info'): readonly Line[] {
  const written: string[] = [];
  act(createLogger({ level, destination: { write: (line) => void written.push(line) } }));
  return written.map((line) => JSON.parse(line) as Line);
}

const fieldsOf = (fields: LogFields): Line => logged((logger) => logger.info('said', fields))[0] ?? {};

describe('the log', () => {
  it('is one JSON object a line with time, level and message', () => {
    const [line] = logged((logger) => logger.warn('address pruned', { address: '10.0.0.1' }));
    expect(line).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      msg: 'address pruned',
      address: '10.0.0.1',
    });
  });

  it('leaves out what is below its level', () => {
    const lines = logged((logger) => {
      logger.debug('a');
      logger.info('b');
      logger.error('c');
    }, 'error');
    expect(lines.map(({ msg }) => msg)).toEqual(['c']);
  });

  it.each([
    'password',
    'dbPassword',
    'Authorization',
    'token',
    'clientSecret',
    'set-cookie',
    'privateKey',
    'credentials',
  ])('blanks %s, however deep', (key) => {
    expect(JSON.stringify(fieldsOf({ a: [{ [key]: 'hunter2' }], [key]: { user: 'hunter2' } }))).not.toContain(
      'hunter2',
    );
  });

  it('cuts a text that a server made long', () => {
    const long = 'x'.repeat(1_000_000);
    const fields = { text: long, error: new Error(long), list: [long] };
    expect(JSON.stringify(fieldsOf(fields)).length).toBeLessThan(40_000);
    expect(fieldsOf({ text: 'x'.repeat(8_192) })).toMatchObject({ text: 'x'.repeat(8_192) });
  });

  it('keeps the names of objects that contain secrets', () => {
    expect(fieldsOf({ secretName: 'db-login' })).toMatchObject({ secretName: 'db-login' });
  });

  it('has reason and cause of a known error, and the stack of an unknown one', () => {
    const cause = new Error('socket hang up');
    const known = new OperatorError('the API server went away', {
      kind: 'transient',
      reason: 'Unreachable',
      cause,
    });
    expect(fieldsOf({ error: known }).error).toEqual({
      name: 'OperatorError',
      message: 'the API server went away',
      reason: 'Unreachable',
      cause: { name: 'Error', message: 'socket hang up', stack: cause.stack },
    });
  });

  it('accepts values that JSON cannot represent', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(fieldsOf({ loop, big: 1n, map: new Map([['token', 't']]), none: undefined })).toMatchObject({
      big: '1',
      map: { token: '[redacted]' },
    });
  });
});
