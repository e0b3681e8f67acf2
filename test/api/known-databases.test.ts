import { describe, expect, it } from '@jest/globals';
import { knownDatabases } from '../../src/api/known-databases.ts';
import { defaultHandler } from '../../src/core/probing/handler-selection.ts';

const choose = { materials: {}, choose: true };

describe.each(Object.entries(knownDatabases))('%s', (kind, { port, appProtocols }) => {
  it('is the handler that its port and its protocol names select, as the rules of the schema assume', () => {
    expect(defaultHandler(undefined, port, choose).handler.kind).toBe(kind);
    for (const appProtocol of appProtocols)
      expect(defaultHandler({ port: 1, protocol: 'TCP', appProtocol }, 1, choose).handler.kind).toBe(kind);
  });
});
