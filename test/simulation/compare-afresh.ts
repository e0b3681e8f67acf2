import type { History } from './history.ts';
import type { Violation } from './recorder.ts';
import type { Ports } from './replica-options.ts';
import { simulate, type Course } from './simulate.ts';

/** Every tenth history is compared with another run, which has no events. */
const share = 10;

/** Runs a history and checks all rules. */
export async function judge(history: History, ports: Ports = {}): Promise<Course> {
  const course = await simulate(history, ports);
  if (course.violations.length > 0 || history.seed % share !== 0) return course;
  const differs = await differenceFromAfresh(history, course, ports);
  return differs === undefined ? course : { ...course, violations: [differs] };
}

/** Compares the end with that of a world that begins as this one ends. */
async function differenceFromAfresh(
  { acts }: History,
  { afresh, end, simulatedMs }: Course,
  ports: Ports,
): Promise<Violation | undefined> {
  if (acts.length === 0 || isOpen(afresh)) return undefined;
  const { end: should } = await simulate(afresh, ports);
  const [is, wanted] = [JSON.stringify(end), JSON.stringify(should)];
  if (is === wanted) return undefined;
  return { rule: 'as made afresh', atMs: simulatedMs, text: `ends as ${is}, afresh as ${wanted}` };
}

/**
 * Returns true if the end depends on the past or on the time: maintenance windows, a suspended backend, two servers that claim to be the primary, or an
 * alias of hosts of which one is not well, or hosts that are silent while the operator is isolated.
 */
function isOpen({ backends, hosts, isolation }: History): boolean {
  const silent = Object.values(hosts).filter(({ state }) => state === 'silent' || state === 'hangs');
  const claims = Object.values(hosts).filter(({ state, role }) => state === 'up' && role === 'Primary');
  const isHalf = Object.values(hosts).some(({ state }) => state !== 'up');
  const isAlias = Object.values(backends).some((spec) => spec['mode'] === 'ExternalName');
  return (
    claims.length > 1 ||
    JSON.stringify(backends).includes('"maintenance":') ||
    silent.length >= isolation.minHosts ||
    ((isAlias || keepsAddresses(backends)) && isHalf) ||
    Object.values(backends).some((spec) => spec['suspend'] === true)
  );
}

const keepsAddresses = (backends: History['backends']): boolean =>
  /"whenNoneReady":"(KeepLast|All)"/.test(JSON.stringify(backends));
