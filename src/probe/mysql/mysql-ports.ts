import type { Check } from '../../core/probing/check.ts';
import { handlerTraits } from '../../core/probing/handler-kinds.ts';
import type { Verdict } from '../../core/probing/verdict.ts';
import { Budget } from '../connection/budget.ts';
import type { CpuMeter } from '../connection/cpu-meter.ts';
import { runProtocol } from '../connection/protocol-runner.ts';
import { mysqlAnswers } from '../mysql-wire/mysql-hello.ts';
import { MysqlHandshake } from './mysql.ts';
import type { Probe } from '../connection/probe.ts';

/**
 * State of an address and port.
 *
 * | state    | entered                                         | next probe                                              |
 * |----------|-------------------------------------------------|---------------------------------------------------------|
 * | speak    | initially                                       | sends at once                                           |
 * | listen   | initially on port 3306; after an answer that is not of the handler's protocol | waits for a MySQL greeting first |
 * | mistaken | after a wait without such a greeting            | sends at once; after an answer of the expected protocol: speak |
 */
type State = 'speak' | 'listen' | 'mistaken';

/** Wraps a probe of another protocol, so that a MySQL server that answers does not count it as an error. */
export type MysqlPorts = (probe: Probe) => Probe;

const { port: mysqlPort } = handlerTraits.mysql;
/**
 * Maximum number of entries. The oldest one is removed, which costs that server one more broken handshake.
 */
const maxPorts = 10_000;

/**
 * Creates the wrapper. For MySQL and MariaDB, bytes of another protocol are a broken handshake. They count
 * these, and after max_connect_errors (100) they refuse every client of our address. The first such probe
 * sends before the greeting arrives and is counted. Later probes of that address and port wait for the
 * greeting on a connection of their own, and finish the handshake like the mysql handler, which is not
 * counted.
 *
 * All handlers use the same wrapper, because their checks of a port share the state.
 */
export function createMysqlPorts(): MysqlPorts {
  const states = new Map<string, State>();
  const stateOf = ({ ip, port }: Check): State =>
    states.get(`${ip} ${port}`) ?? (port === mysqlPort ? 'listen' : 'speak');
  const remember = ({ ip, port }: Check, state: State): void => {
    const key = `${ip} ${port}`;
    states.delete(key);
    if (state === 'speak' && port !== mysqlPort) return;
    const [oldest] = states.keys();
    if (states.size >= maxPorts && oldest !== undefined) states.delete(oldest);
    states.set(key, state);
  };
  return (probe) => {
    const probeFirst: Probe = async (check, signal, meter) => {
      const result = await probe(check, signal, meter);
      if (result.kind === 'inconclusive') return result;
      if (result.reason !== 'WrongProtocol') remember(check, 'speak');
      else if (result.detectedProtocol !== undefined || stateOf(check) === 'speak') remember(check, 'listen');
      return result;
    };
    return async (check, signal, meter) => {
      if (stateOf(check) !== 'listen') return probeFirst(check, signal, meter);
      const started = performance.now();
      if (await hearsMysql(check, signal, meter)) return mysqlAnswers;
      remember(check, 'mistaken');
      return probeFirst(withTime(check, started), signal, meter);
    };
  };
}

/** Waits for the greeting, for at most half of the timeout, and finishes the handshake. */
async function hearsMysql(check: Check, signal: AbortSignal, meter?: CpuMeter): Promise<boolean> {
  const handshake = new MysqlHandshake({ saturatedIs: 'inconclusive', wantsTls: false });
  const result: Verdict = await runProtocol(check, signal, handshake, undefined, {
    leftMs: check.timing.timeoutMs / 2,
    budget: new Budget({ meter }),
  });
  return handshake.isRecognised && result.reason !== 'Cancelled';
}

/** Returns the check with the remaining time of its timeout. */
function withTime(check: Check, started: number): Check {
  const leftMs = Math.max(1, Math.floor(check.timing.timeoutMs - (performance.now() - started)));
  return { ...check, timing: { ...check.timing, timeoutMs: leftMs } };
}
