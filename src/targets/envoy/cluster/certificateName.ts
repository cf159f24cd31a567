/** Names that an endpoint's certificate may have, as Envoy compares them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
} from "../../../gen/proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import type { CertificateNameIr } from "../../../ir/index.ts";
import { regexLiteral } from "../quote.ts";

type Matcher = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

const TYPES = { dns: SanType.DNS, uri: SanType.URI } as const;

/** One label of a DNS name, one segment of a URI's path, one or more of them. */
const LABEL = "[^.]+";
const SEGMENT = "[^/]+";
const SEGMENTS = ".+";

/** An exact DNS name is covered by a certificate's wildcard too. */
export function certificateName({ kind, value }: CertificateNameIr): Matcher {
  const regex = kind === "dns" ? dnsPattern(value) : uriPattern(value);
  const matchPattern =
    regex === null
      ? { case: "exact" as const, value }
      : { case: "safeRegex" as const, value: { engineType: { case: "googleRe2" as const, value: {} }, regex } };
  return { sanType: TYPES[kind], matcher: { matchPattern } };
}

function dnsPattern(value: string): string | null {
  return value.startsWith("*.") ? `(?i)${LABEL}${regexLiteral(value.slice(1))}` : null;
}

function uriPattern(value: string): string | null {
  const segments = value.split("/");
  if (!segments.some((segment) => segment in PATTERNS)) return null;
  return segments.map((segment) => PATTERNS[segment] ?? regexLiteral(segment)).join("/");
}

const PATTERNS: Readonly<Record<string, string>> = { "*": SEGMENT, "**": SEGMENTS };
