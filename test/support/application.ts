import { isIP } from 'node:net';

import { connectTo, openSession } from './connect.ts';
import type { Session } from './connect.ts';
import { lookUp } from './dns.ts';
import { eventually } from './eventually.ts';

/** A program in a pod of a namespace, and what it sees: names, and which server answers a connection. */
export interface Application {
  /** The IPv4 addresses of a name, by the pod's search list; empty where there is no such name. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Connects to a name or an address; what the server says first, which is its address. */
  readonly connect: (host: string, port: number, from?: string) => Promise<string>;
  /** Which servers `count` new connections reach, each once, sorted; fails when one connection fails. */
  readonly reached: (host: string, port: number, count?: number) => Promise<readonly string[]>;
  /** A connection that stays open. */
  readonly session: (host: string, port: number) => Promise<Session>;
  /** Until new connections reach these servers and no other, which they then do again. */
  readonly reaches: (host: string, port: number, servers: readonly string[]) => Promise<void>;
  /** Until the name resolves to these addresses and no other. */
  readonly resolves: (name: string, addresses: readonly string[]) => Promise<void>;
}

/** 60 connections miss one of four servers once in ten million times. */
const enough = 60;

export function application(namespace: string): Application {
  const resolve = (name: string) => lookUp(name, namespace);

  const addressOf = async (host: string): Promise<string> => {
    if (isIP(host) !== 0) return host;
    const [address] = await resolve(host);
    if (address === undefined) throw new Error(`${host}: no such name`);
    return address;
  };

  const connect = async (host: string, port: number, from?: string): Promise<string> =>
    connectTo({ address: await addressOf(host), port, ...(from !== undefined && { from }) });

  const reached = async (host: string, port: number, count = enough): Promise<readonly string[]> => {
    const address = await addressOf(host);
    const answers = await Promise.all(Array.from({ length: count }, () => connectTo({ address, port })));
    return [...new Set(answers)].toSorted();
  };

  return {
    resolve,
    connect,
    reached,
    session: async (host, port) => openSession({ address: await addressOf(host), port }),
    reaches: async (host, port, servers) => {
      const wanted = servers.toSorted().join();
      const holds = (seen: readonly string[]) => seen.join() === wanted;
      const fact = `connections to ${host}:${port} reach ${wanted}`;
      await eventually(fact, () => reached(host, port), holds);
      const again = await reached(host, port);
      if (!holds(again)) throw new Error(`not so any more: ${fact}\nseen: ${again.join()}`);
    },
    resolves: async (name, addresses) => {
      const wanted = addresses.toSorted().join();
      const holds = (seen: readonly string[]) => seen.join() === wanted;
      await eventually(`${name} resolves to ${wanted || 'nothing'}`, () => resolve(name), holds);
    },
  };
}
