import { describe, expect, it } from '@jest/globals';
import { verdictOfError } from '../../../src/probe/postgres/postgres-errors.ts';
import { cpuMs } from '../support/cpu-ms.ts';

/** The most that a login reads. */
const bytes = 65_536;
const words = ['user ', 'max', 'database not ', 'role "', 'server login '];
const states = ['XX000', '58000', '08P01', '53300', '57P03'];

describe('the verdict on an error of PostgreSQL', () => {
  it.each(words)('takes little CPU time where its text is 64 KiB of `%s`', (word) => {
    const text = word.repeat(bytes / word.length);
    const spent = cpuMs(() => {
      for (const sqlstate of states) verdictOfError({ sqlstate, text }, 'inconclusive');
    });
    expect(spent).toBeLessThan(500);
  });

  it('is about the first words of a long text', () => {
    const text = `backend 0 is down: ${'x'.repeat(bytes)}`;
    expect(verdictOfError({ sqlstate: 'XX000', text }, 'inconclusive')).toMatchObject({
      kind: 'down',
      reason: 'NotServing',
    });
  });
});
