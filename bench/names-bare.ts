/**
 * The least that Node can do: sends datagrams and receives the answers at the given pace. Prints JSON.
 *   node bench/names-bare.ts SERVER_PORT PER_SECOND SECONDS
 */
import { createSocket } from 'node:dgram';
import process from 'node:process';

const [port = 0, perSecond = 0, seconds = 0] = process.argv.slice(2).map(Number);
const query = Buffer.concat([
  Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
  Buffer.from('\u0004db-1\u000ceu-central-1\u0005bench\u0007example\0\0\u0001\0\u0001', 'latin1'),
]);
let sent = 0;
let answers = 0;
const socket = createSocket('udp4');
socket.on('message', () => (answers += 1));
socket.connect(port, '127.0.0.1', () => {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * perSecond;
    for (; sent < due; sent++) socket.send(query);
  }, 5);
  setTimeout(() => {
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ cpuMicrosPerQuestion: (user + system) / answers }));
    process.exit(0);
  }, seconds * 1_000);
});
