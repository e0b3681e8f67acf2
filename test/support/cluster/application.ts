import { isIP } from 'node:net';

import { connectTo, openSession } from './connect.ts';
import type { Session } from './connect.ts';
import { lookUp } from './dns.ts';
import { eventually } from '../eventually.ts';

/** A program in a pod of a namespace: resolves names, and reports which server answers a connection. */
export interface Application {
  /** Returns the IPv4 addresses of a name, by the pod's search list; empty if there is no such name. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  /** Connects to a name or an address. Returns the first line of the server, which is its address. */
  readonly connect: (host: string, port: number, from?: string) => Promise<string>;
  /** Returns the servers that `count` new connections reach, each once, sorted. Fails if one connection fails. */
  readonly reached: (host: string, port: number, count?: number) => Promise<readonly string[]>;
  /** Opens a connection that stays open. */
  readonly session: (host: string, port: number) => Promise<Session>;
  /** Waits until new connections reach these servers and no other, twice in a row. */
  readonly reaches: (host: string, port: number, servers: readonly string[]) => Promise<void>;
  /** Waits until new connections fail. */
  readonly reachesNothing: (host: string, port: number) => Promise<void>;
  /** Waits until the name resolves to these addresses and no other. */
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
      await eventually(() => reached(host, port), holds, { fact });
      const again = await reached(host, port);
      if (!holds(again)) throw new Error(`not so any more: ${fact}\nseen: ${again.join()}`);
    },
    reachesNothing: async (host, port) => {
      const isRefused = () =>
        connect(host, port).then(
          () => false,
          () => true,
        );
      await eventually(isRefused, (is) => is, { fact: `connections to ${host}:${port} fail` });
    },
    resolves: async (name, addresses) => {
      const wanted = addresses.toSorted().join();
      const holds = (seen: readonly string[]) => seen.join() === wanted;
      await eventually(() => resolve(name), holds, { fact: `${name} resolves to ${wanted || 'nothing'}` });
    },
  };
}
