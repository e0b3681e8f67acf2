import { isServiceRecord } from '../../api/host.ts';
import { families, parseIp } from '../../api/ip.ts';
import { probeKinds } from '../../api/probe-kinds.ts';
import type { ProbeSpec, Spec } from '../../api/external-backend.ts';
import type { Question } from './name-state.ts';
import { normalizeName, questionsOf, type NameStateOf } from './questions.ts';
import type { Resolution } from './resolve-host.ts';

// MongoDB Atlas gives a cluster a name without addresses (`mongodb+srv://cluster0.ab1cd.mongodb.net`):
// clients query its SRV record. A backend with that name as a host gets NODATA, and a hint if the SRV record
// exists.

const mongodbPort = probeKinds.mongodb.port;

/**
 * Returns the query that decides about the hint; undefined: the host has addresses, or the backend is not
 * MongoDB.
 */
export function hintQuestion(host: string, spec: Spec, lookup: NameStateOf): Question | undefined {
  if (parseIp(host) !== undefined || isServiceRecord(host) || !isMongodb(spec)) return undefined;
  const questions = questionsOf(host, spec.dns?.families ?? [...families], lookup);
  const isEmpty = questions.every((question) => {
    const { lastFailure, addresses } = lookup(question);
    return addresses.length === 0 && lastFailure?.kind === 'none' && lastFailure.reason === 'NoAddress';
  });
  return isEmpty ? { name: `_mongodb._tcp.${normalizeName(host)}`, type: 'SRV' } : undefined;
}

/** Adds the hint to the error of a host without addresses. */
export function withHint(resolution: Resolution, host: string, spec: Spec, lookup: NameStateOf): Resolution {
  if (resolution.error === undefined || resolution.addresses.length > 0) return resolution;
  const question = hintQuestion(host, spec, lookup);
  if (question === undefined || lookup(question).services.length === 0) return resolution;
  return { ...resolution, error: `${resolution.error}; for mongodb+srv use the host ${question.name}` };
}

const isMongodb = ({ ports = [], probe }: Spec): boolean =>
  asksMongodb(probe) ||
  ports.some((port) => asksMongodb(port.probe) || (port.targetPort ?? port.port) === mongodbPort);

const asksMongodb = (probe: Pick<ProbeSpec, 'mongodb'> | undefined): boolean => probe?.mongodb !== undefined;
