import { isLocalName } from '../../api/local-names.ts';

/** Returns why an alias may not lead to a host, as text; undefined when it may. */
export type AliasPolicy = (host: string) => string | undefined;

/**
 * Returns true for `name`, and for `*.name`, which matches all names below it. In lower case, without the
 * trailing dot.
 */
export const isNamePattern = (text: string): boolean =>
  /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(text);

/**
 * | the host  | an alias           |
 * |-----------|--------------------|
 * | is the client's own machine, or an IP address written as a name (api/local-names.ts) | may not lead there |
 * | matches `--alias-deny`, in any case, with or without the trailing dot | may not lead there |
 * | any other | may                |
 */
export function aliasPolicy(denied: readonly string[] = []): AliasPolicy {
  return (host) => {
    const name = host.toLowerCase().replace(/\.$/, '');
    if (isLocalName(name)) return 'clients resolve it to their own machine, or read it as an IP address';
    const pattern = denied.find((each) =>
      each.startsWith('*.') ? name.endsWith(each.slice(1)) : name === each,
    );
    return pattern && `denied by --alias-deny ${pattern}`;
  };
}
