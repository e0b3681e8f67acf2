import { z } from 'zod';
import { forbiddenRanges } from './forbidden-ranges.ts';
import { parseIp } from './ip.ts';
import { celString, withRules, type AdmissionRule, type Rule } from './rule.ts';
import { dnsName, endsInDigits, ipv4Mapped, serviceRecordName } from './patterns.ts';

const isDnsName = new RegExp(dnsName);
const isDigits = new RegExp(endsInDigits);
const isSrv = new RegExp(serviceRecordName);
const isMapped = new RegExp(ipv4Mapped);

export const isIp = (text: string): boolean => parseIp(text) !== undefined;

/** Returns true for a well-formed DNS name that is not an IP address. */
export const isName = (text: string): boolean => isDnsName.test(text) && !isDigits.test(text);

/**
 * Returns true for a name of the form `_service._proto.name`: an SRV record, whose addresses have their own
 * ports.
 */
export const isServiceRecord = (text: string): boolean => isSrv.test(text) && isName(text);

/** CEL form of `isName`; `text` is a CEL expression. */
export const celIsName = (text: string): string =>
  `${text}.matches(${celString(dnsName)}) && !${text}.matches(${celString(endsInDigits)})`;

/** CEL form of `isServiceRecord`. */
export const celIsServiceRecord = (text: string): string =>
  `${text}.matches(${celString(serviceRecordName)}) && ${celIsName(text)}`;

/**
 * Rules of fields that contain an address or a host name. Each wrong text breaks exactly one rule:
 *
 * | text                              | rule             |
 * |-----------------------------------|------------------|
 * | `::ffff:10.0.0.1`                 | IPv4-mapped      |
 * | `fe80::1%eth0`                    | zone             |
 * | `10.0.0.256`, `010.0.0.1`, `1.2.3` | mistyped        |
 * | `http://db`, `db:5432`, `[::1]`   | form             |
 * | `127.0.0.1`, `fd00:ec2::254`      | forbidden range  |
 */
function hostRules(field: string): readonly (Rule<string> | AdmissionRule)[] {
  const mapped = `self.matches(${celString(ipv4Mapped)})`;
  const digits = `self.matches(${celString(endsInDigits)})`;
  return [
    {
      holds: (text) => !isMapped.test(text),
      cel: `!${mapped}`,
      message: `${field} is an IPv4-mapped IPv6 address: write the IPv4 address alone, such as 10.20.0.11`,
    },
    {
      holds: (text) => !text.includes('%'),
      cel: "!self.contains('%')",
      message: `${field} has an IPv6 zone, which only one node can use: write an address without a zone`,
    },
    {
      holds: (text) => isIp(text) || !isDigits.test(text),
      cel: `isIP(self) || !${digits}`,
      message: `${field} looks like a mistyped IPv4 address: write four numbers from 0 to 255 without leading zeros`,
    },
    {
      holds: (text) =>
        isIp(text) ||
        isMapped.test(text) ||
        text.includes('%') ||
        isDigits.test(text) ||
        isDnsName.test(text),
      cel: `isIP(self) || ${mapped} || self.contains('%') || ${digits} || self.matches(${celString(dnsName)})`,
      message: `${field} must be an IP address or a DNS name alone: no scheme, port, path, brackets or spaces`,
    },
    ...forbiddenRules(field),
  ];
}

/** Rules of the ranges to which nothing may be sent. Texts that are not IPs pass: other rules check them. */
export function forbiddenRules(field: string): readonly (Rule<string> | AdmissionRule)[] {
  return forbiddenRanges.map(({ name, ranges, includes, cel, admissionOnly }) => {
    const rule = {
      cel: `!isIP(self) || !(${cel('ip(self)')})`,
      message: `${field} is ${name} address (${ranges}): write the server's own address`,
    };
    if (admissionOnly === true) return rule;
    const holds = (text: string): boolean => {
      const ip = parseIp(text);
      return ip === undefined || !includes(ip);
    };
    return { ...rule, holds };
  });
}

export const hostSchema = withRules(z.string().max(253), hostRules('host'));
