import type { Check } from '../core/check.ts';
import type { Verdict } from '../core/verdict.ts';
import { Budget } from './budget.ts';
import type { CpuMeter } from './cpu-meter.ts';
import { converse } from './dialogue.ts';
import { mysqlAnswers } from './mysql-hello.ts';
import { MysqlHandshake } from './mysql.ts';
import type { Probe } from './probe.ts';

/**
 * State of an address and port:
 *
 * | state    | begins                                          | the next probe                                          |
 * |----------|-------------------------------------------------|---------------------------------------------------------|
 * | speak    | at first                                        | speaks at once                                          |
 * | listen   | at first on port 3306; after an answer that is not of the handler's protocol | waits for MySQL's greeting first |
 * | mistaken | after a wait in which no such greeting came     | speaks at once; an answer of the right protocol: speak  |
 */
type State = 'speak' | 'listen' | 'mistaken';

/** Keeps probes of other protocols from being counted by a MySQL server that answers them. */
export type MysqlPorts = (probe: Probe) => Probe;

const mysqlPort = 3306;
/** Beyond it the oldest is removed, which costs the server one more broken handshake. */
const maxPorts = 10_000;

/**
 * Bytes of another protocol are a broken handshake to MySQL and MariaDB, which count those by max_connect_errors (100) and
 * then refuse every client of our address. The bytes are sent before the greeting is there, so the first such probe is
 * counted. From then on a probe of that address and port waits for the greeting, on a connection of its own, and finishes
 * the handshake as the mysql handler does: that is not counted.
 *
 * One for all handlers: their checks of a port share the state.
 */
export function createMysqlPorts(): MysqlPorts {
  const states = new Map<string, State>();
  const stateOf = ({ ip, port }: Check): State =>
    states.get(`${ip} ${port}`) ?? (port === mysqlPort ? 'listen' : 'speak');
  const learn = ({ ip, port }: Check, state: State): void => {
    const key = `${ip} ${port}`;
    states.delete(key);
    if (state === 'speak' && port !== mysqlPort) return;
    const [oldest] = states.keys();
    if (states.size >= maxPorts && oldest !== undefined) states.delete(oldest);
    states.set(key, state);
  };
  return (probe) => {
    const speak: Probe = async (check, signal, meter) => {
      const said = await probe(check, signal, meter);
      if (said.kind === 'inconclusive') return said;
      if (said.reason !== 'WrongProtocol') learn(check, 'speak');
      else if (said.greeting !== undefined || stateOf(check) === 'speak') learn(check, 'listen');
      return said;
    };
    return async (check, signal, meter) => {
      if (stateOf(check) !== 'listen') return speak(check, signal, meter);
      const started = performance.now();
      if (await hearsMysql(check, signal, meter)) return mysqlAnswers;
      learn(check, 'mistaken');
      return speak(withTime(check, started), signal, meter);
    };
  };
}

/** Waits for the greeting for half of the timeout at most, and finishes the handshake. */
async function hearsMysql(check: Check, signal: AbortSignal, meter?: CpuMeter): Promise<boolean> {
  const handshake = new MysqlHandshake({ saturatedIs: 'inconclusive', wantsTls: false });
  const said: Verdict = await converse(check, signal, handshake, undefined, {
    leftMs: check.timing.timeoutMs / 2,
    budget: new Budget({ meter }),
  });
  return handshake.isRecognised && said.reason !== 'Cancelled';
}

/** The check with what is left of its timeout. */
function withTime(check: Check, started: number): Check {
  const leftMs = Math.max(1, Math.floor(check.timing.timeoutMs - (performance.now() - started)));
  return { ...check, timing: { ...check.timing, timeoutMs: leftMs } };
}
