import { expect, it } from '@jest/globals';
import { createFallbacks } from '../../../src/probe/connection/fallbacks.ts';
import { createMysql } from '../../../src/probe/mysql/mysql.ts';
import { eventually } from '../../support/eventually.ts';
import { mysqlCheck } from '../../support/builders/mysql-check.ts';
import { bringMySql } from '../../support/servers/mysql.ts';
import { freePort } from '../../support/servers/ports.ts';
import { forever } from '../support/checks.ts';

const supply = await bringMySql();
const withMySql = supply.isHad ? it : it.skip;

withMySql(
  `a member of Group Replication is what its group has it for, where the account may see that (${supply.title})`,
  async () => {
    const group = await freePort();
    const db = await supply.start('127.0.0.1', await freePort(), {
      'server-id': '1',
      'gtid-mode': 'ON',
      'enforce-gtid-consistency': 'ON',
      'plugin-load-add': 'group_replication.so',
      loose_group_replication_group_name: '11111111-2222-3333-4444-555555555555',
      loose_group_replication_local_address: `127.0.0.1:${group}`,
      loose_group_replication_start_on_boot: 'OFF',
    });
    try {
      await db.sql(
        "create user probe@'%' identified by 'secret'; grant replication client on *.* to probe@'%'",
      );
      let now = 0;
      const probe = createMysql(undefined, createFallbacks({ now: () => now }));
      const ask = () =>
        probe(
          mysqlCheck(db, { credentials: { username: 'probe', password: 'secret', allowClearText: true } }),
          forever,
        );
      const primary = { kind: 'up', reason: 'Responded', role: 'Primary' };
      expect(await ask()).toMatchObject(primary);

      await db.sql("grant select on performance_schema.replication_group_members to probe@'%'");
      now += 800_000;
      expect(await ask()).toMatchObject(primary);
      await db.sql(
        'set global group_replication_bootstrap_group = on; start group_replication; set global group_replication_bootstrap_group = off',
      );
      await eventually(
        () => db.sql('select member_state from performance_schema.replication_group_members'),
        (state) => state === 'ONLINE',
        { fact: 'it is the primary of its group' },
      );
      expect(await ask()).toMatchObject(primary);
      await db.sql('stop group_replication');
      expect(await ask()).toMatchObject({ kind: 'up', role: 'Replica', message: 'read_only' });
    } finally {
      await db.remove();
    }
  },
  60_000,
);
