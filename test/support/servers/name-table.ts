import type { Answer, Question } from '../../../src/core/resolution/name-state.ts';
import type { Names } from './name-servers.ts';

const many = Array.from({ length: 200 }, (_, i) => `10.30.0.${i + 1}`);

/** Records of every vendor's server, with a time to live of 7 s. */
export const tableNames: Names = {
  'four.outside.test': ['A 10.20.0.1'],
  'six.outside.test': ['AAAA fd20::1'],
  'both.outside.test': ['A 10.20.0.2', 'AAAA fd20::2'],
  'chain1.outside.test': ['CNAME chain2.outside.test.'],
  'chain2.outside.test': ['CNAME chain3.outside.test.'],
  'chain3.outside.test': ['CNAME chain4.outside.test.'],
  'chain4.outside.test': ['CNAME chain5.outside.test.'],
  'chain5.outside.test': ['CNAME both.outside.test.'],
  '_pg._tcp.outside.test': ['SRV 0 10 5432 four.outside.test.', 'SRV 1 20 5433 both.outside.test.'],
  'many.outside.test': many.map((ip) => `A ${ip}`),
};
export const tableTtl = 7;

interface TableRow extends Question {
  readonly title: string;
  /** In any order; SRV records as texts. */
  readonly records: readonly string[];
  /** The negative answer, if there are no records. */
  readonly none?: 'NoSuchName' | 'NoAddress';
}

/** Answers that the client must receive from each of them. */
export const nameTable: readonly TableRow[] = [
  { title: 'an A record', name: 'four.outside.test', type: 'A', records: ['10.20.0.1'] },
  { title: 'an AAAA record', name: 'six.outside.test', type: 'AAAA', records: ['fd20::1'] },
  { title: 'the A record of a name with both', name: 'both.outside.test', type: 'A', records: ['10.20.0.2'] },
  {
    title: 'the AAAA record of a name with both',
    name: 'both.outside.test',
    type: 'AAAA',
    records: ['fd20::2'],
  },
  {
    title: 'a name in capitals, for names have no case',
    name: 'FOUR.Outside.Test',
    type: 'A',
    records: ['10.20.0.1'],
  },
  {
    title: 'the A record behind five CNAMEs',
    name: 'chain1.outside.test',
    type: 'A',
    records: ['10.20.0.2'],
  },
  {
    title: 'the AAAA record behind five CNAMEs',
    name: 'chain1.outside.test',
    type: 'AAAA',
    records: ['fd20::2'],
  },
  {
    title: 'two SRV records',
    name: '_pg._tcp.outside.test',
    type: 'SRV',
    records: ['0 10 5432 four.outside.test', '1 20 5433 both.outside.test'],
  },
  { title: '200 addresses, over TCP', name: 'many.outside.test', type: 'A', records: many },
  {
    title: 'that there is no such name',
    name: 'nothing.outside.test',
    type: 'A',
    records: [],
    none: 'NoSuchName',
  },
  {
    title: 'that a name has no AAAA record',
    name: 'four.outside.test',
    type: 'AAAA',
    records: [],
    none: 'NoAddress',
  },
  {
    title: 'that a name with others has no SRV record',
    name: 'four.outside.test',
    type: 'SRV',
    records: [],
    none: 'NoAddress',
  },
];

/** An answer in the form of the table's rows. */
export function asRow(answer: Answer): Pick<TableRow, 'records' | 'none'> | Answer {
  if (answer.kind === 'failed') return answer;
  if (answer.kind === 'none') return { records: [], none: answer.reason };
  const services = answer.services.map(
    ({ priority, weight, port, host }) => `${priority} ${weight} ${port} ${host}`,
  );
  return { records: [...answer.addresses, ...services].toSorted() };
}

/** A row's part that is compared. */
export const wanted = ({ records, none }: TableRow): Pick<TableRow, 'records' | 'none'> => ({
  records: records.toSorted(),
  ...(none && { none }),
});
