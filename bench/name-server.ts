/**
 * Answers every A and AAAA question over UDP at once with one address. The time to live is 5 to 60 s, by name.
 * Prints its port when it listens.
 */
import { createSocket } from 'node:dgram';
import process from 'node:process';

const aaaa = 28;
const addresses = {
  v4: Buffer.from([10, 0, 0, 1]),
  v6: Buffer.from([0xfd, ...Array<number>(14).fill(0), 1]),
};

/** Returns a response (RFC 1035) with the query's ID and question, and one record whose name is a pointer to that of the question. */
function answer(query: Buffer): Buffer {
  const nameEnd = query.indexOf(0, 12);
  const question = query.subarray(12, nameEnd + 5);
  const header = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  query.copy(header, 0, 0, 2);
  const address = query.readUInt16BE(nameEnd + 1) === aaaa ? addresses.v6 : addresses.v4;
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  question.copy(record, 2, question.length - 4);
  record.writeUInt32BE(5 + (question.reduce((sum, byte) => (sum * 31 + byte) % 65_521, 0) % 56), 6);
  record.writeUInt16BE(address.length, 10);
  return Buffer.concat([header, question, record, address]);
}

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
socket.on('message', (query, { port, address }) => socket.send(answer(query), port, address));
socket.bind(0, '127.0.0.1', () => process.stdout.write(`${socket.address().port}\n`));
