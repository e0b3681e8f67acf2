/** Patterns of Kubernetes names, written so that JavaScript and RE2 give the same result. */

/** RFC 1123 label: names of ports, and host names of addresses. */
export const dnsLabel = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';

/** RFC 1035 label: names of Services (Kubernetes 1.36 accepts RFC 1123 labels too, 1.33 does not). */
export const serviceName = '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$';

const subdomain = '[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*';
const nameSegment = '[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';

/** Label and annotation keys, `appProtocol`, `loadBalancerClass`: a name, after an optional `domain/`. */
export const qualifiedName = `^(${subdomain}/)?${nameSegment}$`;
export const qualifiedNameLength = 317;

export const labelValue = `^(${nameSegment})?$`;
export const nonEmptyLabelValue = `^${nameSegment}$`;

const hostLabel = '[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';

/**
 * DNS name in the forms that users write: upper or lower case, underscores, with or without the trailing dot.
 * IPv4 addresses match too.
 */
export const dnsName = `^(${hostLabel}\\.)*${hostLabel}\\.?$`;

/** Name of an SRV record (RFC 2782): `_service._proto.name`. */
export const serviceRecordName = '^_[^.]+\\._[^.]+\\.[^.]';

/**
 * A DNS name cannot end in a label of digits alone (RFC 3696 section 2). Such a text is an IPv4 address or a
 * mistake.
 */
export const endsInDigits = '^([^:%/ ]*\\.)?[0-9]+\\.?$';

/** Usual forms of an IPv4-mapped IPv6 address. */
export const ipv4Mapped = '^[0:]*:[fF]{4}:([0-9.]+|[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4})$';
