import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Runs a function that starts one lasting process, and returns the ID of that process. */
export async function withPid<T>(
  start: () => Promise<T>,
): Promise<{ readonly server: T; readonly pid: number }> {
  const before = new Set(childrenOf(process.pid));
  const server = await start();
  const [pid, ...more] = childrenOf(process.pid).filter((each) => !before.has(each));
  if (pid === undefined || more.length > 0) throw new Error(`${more.length + 1} processes, and not one`);
  return { server, pid };
}

/** Returns the CPU seconds so far of a process and its descendants, including those that ended and were waited for. */
export function treeCpuSeconds(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + treeCpuSeconds(child), ownCpuSeconds(pid));
}

/** See proc(5): utime, stime, cutime and cstime, in hundredths of a second. The parent's values include a child that has just ended. */
function ownCpuSeconds(pid: number): number {
  const fields = textOf(`/proc/${pid}/stat`).split(') ')[1]?.split(' ').slice(11, 15) ?? [];
  return fields.reduce((sum, field) => sum + Number(field), 0) / 100;
}

const childrenOf = (pid: number): readonly number[] =>
  textOf(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
