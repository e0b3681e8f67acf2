import { constants, createHash, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.ts';
import { capabilities, denied, greeting, packet, switchTo } from './mysql-bytes.ts';

/** Servers that want to know the password, by each way in which their protocol can ask for it. */
export interface GreedyServer {
  /** Serves one connection, over TLS where there is a certificate. Calls `learn` with what it got of the password. */
  serve(socket: Socket, certificate: Certificate | undefined, learn: (secret: string) => void): void;
}

/** Begins TLS. `early`: bytes of it that came already. */
const upgrade = (socket: Socket, { cert, key }: Certificate, early?: Buffer): TLSSocket => {
  socket.removeAllListeners('data');
  socket.pause();
  if (early !== undefined && early.length > 0) socket.unshift(early);
  return new TLSSocket(socket, { isServer: true, cert, key }).on('error', () => undefined);
};

const backend = (type: string, ...body: readonly number[]): Buffer => {
  const head = Buffer.alloc(5, type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};

/** PostgreSQL that asks for a password in clear (3), or for an md5 of it (5). */
export function greedyPostgres(code: 3 | 5): GreedyServer {
  const question = backend('R', 0, 0, 0, code, ...(code === 5 ? [1, 2, 3, 4] : []));
  return {
    serve: (socket, certificate, learn) => {
      const session = (stream: Duplex) =>
        stream.on('data', (bytes: Buffer) => {
          if (bytes[0] !== 0x70) return void stream.write(question);
          learn(bytes.subarray(5, -1).toString());
          stream.end();
        });
      socket.on('data', (bytes: Buffer) => {
        if (bytes.length !== 8) return;
        socket.write(certificate === undefined ? 'N' : 'S');
        if (certificate !== undefined) session(upgrade(socket, certificate));
      });
      socket.on('data', (bytes: Buffer) => {
        if (bytes.length === 8 || certificate !== undefined) return;
        if (bytes[0] !== 0x70) return void socket.write(question);
        learn(bytes.subarray(5, -1).toString());
        socket.end();
      });
    },
  };
}

/** The answer to AuthenticationMD5Password with the salt above. */
export function md5Of(username: string, password: string): string {
  const md5 = (...parts: readonly (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest('hex');
  return `md5${md5(md5(password, username), Buffer.of(1, 2, 3, 4))}`;
}

const nonce = 'n'.repeat(20);
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' });

/** The password in an answer of a client: as it is, or under our key; undefined: there is none. */
function secretIn(answer: Buffer): string | undefined {
  if (answer.length !== 256) return answer.length > 1 ? answer.subarray(0, -1).toString() : undefined;
  const { privateKey: key } = keys;
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const clear = privateDecrypt({ key, padding, oaepHash: 'sha1' }, answer);
    return Buffer.from(clear.map((byte, at) => byte ^ nonce.charCodeAt(at % 20)))
      .toString()
      .replace(/\0$/, '');
  } catch {
    return undefined;
  }
}

/** MySQL that switches to the plugin and then asks for the password itself. `asNamed`: it has the plugin in its greeting too. */
export function greedyMysql(plugin: string, { asNamed = false } = {}): GreedyServer {
  return {
    serve: (socket, certificate, learn) => {
      const flags = certificate === undefined ? capabilities.plain : capabilities.tls;
      socket.write(greeting({ flags, ...(asNamed && { plugin }) }));
      const session = (stream: Duplex, first: number) => {
        let step: 'response' | 'hash' | 'password' = 'response';
        const go = (bytes: Buffer) => {
          const payload = bytes.subarray(4);
          const next = (bytes[3] ?? first) + 1;
          if (step === 'response') {
            // sha256_password and mysql_clear_password over TLS may be in the response already.
            const named = payload.toString('latin1').includes(`${plugin}\0`);
            const text = payload.toString('latin1');
            if (named && /open sesame/.test(text)) learn('open sesame');
            step = plugin === 'caching_sha2_password' ? 'hash' : 'password';
            return void stream.write(switchTo(next, plugin, nonce));
          }
          if (step === 'hash') {
            step = 'password';
            return void stream.write(packet(next, [1, 4]));
          }
          if (payload.length === 1 && (payload[0] === 1 || payload[0] === 2))
            return void stream.write(packet(next, [1], publicKey));
          const secret = secretIn(payload);
          if (secret !== undefined) learn(secret);
          return void stream.end(denied(next));
        };
        stream.on('data', go);
      };
      if (certificate === undefined) {
        session(socket, 1);
        return;
      }
      // The request for TLS has 36 bytes, and the client does not wait for an answer to it.
      socket.once('data', (bytes: Buffer) => session(upgrade(socket, certificate, bytes.subarray(36)), 2));
    },
  };
}

/** Redis that refuses each AUTH, having read it, and each command without. */
export const greedyRedis: GreedyServer = {
  serve: (socket, certificate, learn) => {
    const stream: Duplex = certificate === undefined ? socket : upgrade(socket, certificate);
    stream.on('data', (bytes: Buffer) => {
      const words = bytes
        .toString()
        .split('\r\n')
        .filter((_, at) => at % 2 === 0);
      if (words[1] !== 'AUTH') return void stream.write('-NOAUTH Authentication required.\r\n');
      learn(words.at(-1) ?? '');
      stream.end('-WRONGPASS no\r\n');
    });
  },
};
