import { celString } from './rule.ts';

/**
 * Matches names that mean the client's own machine, or that clients read as an address:
 *
 * | name                                            | interpreted so by                                            |
 * |-------------------------------------------------|--------------------------------------------------------------|
 * | `localhost`, `*.localhost`                       | RFC 6761: every resolver                                     |
 * | `localhost4`, `localhost6`, `*.localdomain`      | /etc/hosts of distributions                                  |
 * | a last label `0x…`: `0x7f000001`, `127.0.0x1`    | inet_aton, so getaddrinfo of glibc, musl and macOS, and proxies |
 *
 * A last label of digits alone (`2130706433`, `127.1`, `0177.1`) is not a DNS name: see `endsInDigits`.
 */
const localName =
  '^([^.]+[.])*([lL][oO][cC][aA][lL][hH][oO][sS][tT][46]?|[lL][oO][cC][aA][lL][dD][oO][mM][aA][iI][nN][46]?|0[xX][0-9a-fA-F]*)[.]?$';

const isLocal = new RegExp(localName);

export const isLocalName = (host: string): boolean => isLocal.test(host);

/** CEL form of `isLocalName`; `text` is a CEL expression. */
export const celIsLocalName = (text: string): string => `${text}.matches(${celString(localName)})`;
