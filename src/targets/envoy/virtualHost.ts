/**
 * Virtual hosts as ready bytes. Rules are encoded in chunks whose borders depend on the rules alone, so that a changed rule
 * costs one chunk, however long the list is, and the version stays a function of the content.
 */
import { hash } from "node:crypto";
import type { RuleIr, VirtualHostIr } from "../../ir/index.ts";
import { spreadHash } from "../../util/hash.ts";
import type { Steps } from "../../util/steps.ts";
import { guardBytes } from "./guards.ts";
import { dependsOnContext, lowerRule, type RouteContext } from "./lower.ts";
import { writeRoute } from "./routeWire.ts";
import { type Ref, typeUrls } from "./types.ts";
import { concatBytes, createWriter, frameHead, takeBytes, writeString } from "./wire.ts";

/** Field of a virtual host in RouteConfiguration. */
const ROUTE_CONFIGURATION_VIRTUAL_HOSTS = 2;
const VIRTUAL_HOST = { name: 1, domains: 2 } as const;

/** One rule in so many ends a chunk: 10 000 rules are 156 chunks, and a change encodes about 64 rules (0.2 ms). */
const CHUNK_RULES = 64;
/** Bounds a chunk when no rule happens to end it. */
const CHUNK_MAX_RULES = 256;
/** Up to here one copy is made at once: ten thousand small virtual hosts are ten thousand parts, not four times as many. */
const JOIN_MAX_BYTES = 16_384;
/** Encodings kept per first rule: the rule may stand in several virtual hosts with different neighbours. */
const MAX_VARIANTS = 8;

/** Consecutive rules of a virtual host. Immutable. */
interface Chunk {
  readonly rules: readonly RuleIr[];
  /** Ends at a border; otherwise it is the rest of its list and may serve only as such. */
  readonly closed: boolean;
  /** Hostname and port, when a rule depends on them. */
  readonly context: string | null;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly refs: readonly Ref[];
}

/** A virtual host as a field of RouteConfiguration, in parts. Immutable. */
export interface EncodedVirtualHost {
  readonly parts: readonly Uint8Array[];
  readonly hash: string;
  /** Clusters of its rules; may repeat. */
  readonly refs: readonly (readonly Ref[])[];
}

interface HostVariant {
  readonly port: number;
  readonly encoded: EncodedVirtualHost;
}

const chunksByFirstRule = new WeakMap<RuleIr, readonly Chunk[]>();
/** Encodings of a virtual host, by port where it matters: one almost always, two where two ports share it. */
const encodedByHost = new WeakMap<VirtualHostIr, readonly HostVariant[]>();
/** Any port: the virtual host does not depend on it. */
const ANY_PORT = 0;

const writer = createWriter();
const guardHash = hash("sha256", guardBytes);

/** The virtual host's bytes behind the given port; cached by identity. */
export function* encodeVirtualHost(host: VirtualHostIr, port: number): Steps<EncodedVirtualHost> {
  const variants = encodedByHost.get(host) ?? [];
  const known = variants.find((variant) => variant.port === ANY_PORT || variant.port === port);
  if (known !== undefined) return known.encoded;
  const context = { hostname: host.hostname, port };
  const chunks = yield* chunksOf(host.rules, context);
  const { hostname } = host;
  const domains = hostname === "*" ? ["*"] : [hostname, `${hostname}.`];
  const encoded = assemble({ name: host.id, domains }, chunks);
  const dependent = chunks.some((chunk) => chunk.context !== null);
  const variant = { port: dependent ? port : ANY_PORT, encoded };
  encodedByHost.set(host, [variant, ...variants.slice(0, MAX_VARIANTS - 1)]);
  return encoded;
}

/** What takes requests for hosts that no virtual host names: the guards, then 404. */
export const unknownHost: EncodedVirtualHost = assemble({ name: "unknown-host", domains: ["*"] }, []);

function assemble(head: { name: string; domains: string[] }, chunks: readonly Chunk[]): EncodedVirtualHost {
  const { name, domains } = head;
  writeString(writer, VIRTUAL_HOST.name, name);
  for (const domain of domains) writeString(writer, VIRTUAL_HOST.domains, domain);
  const content = [takeBytes(writer), guardBytes, ...chunks.map(({ bytes }) => bytes)];
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const parts = [frameHead(ROUTE_CONFIGURATION_VIRTUAL_HOSTS, size), ...content];
  // None of these holds a line break.
  const identity = [guardHash, name, ...domains, ...chunks.map((chunk) => chunk.hash)].join("\n");
  return {
    parts: size <= JOIN_MAX_BYTES ? [concatBytes(parts)] : parts,
    hash: hash("sha256", identity, "base64url"),
    refs: chunks.map(({ refs }) => refs),
  };
}

function* chunksOf(rules: readonly RuleIr[], context: RouteContext): Steps<readonly Chunk[]> {
  const chunks: Chunk[] = [];
  let start = 0;
  while (start < rules.length) {
    const known = knownChunk(rules, start, context);
    const chunk = known ?? encodeChunk(rules, start, context);
    chunks.push(chunk);
    start += chunk.rules.length;
    // Between chunks only: the writer is shared and must be empty.
    if (known === undefined) yield;
  }
  return chunks;
}

function contextKey(context: RouteContext): string {
  return `${context.hostname}:${context.port}`;
}

function knownChunk(rules: readonly RuleIr[], start: number, context: RouteContext): Chunk | undefined {
  const variants = chunksByFirstRule.get(rules[start] as RuleIr);
  return variants?.find((chunk) => {
    if (!chunk.closed && start + chunk.rules.length !== rules.length) return false;
    if (chunk.context !== null && chunk.context !== contextKey(context)) return false;
    for (let index = 0; index < chunk.rules.length; index++) {
      if (chunk.rules[index] !== rules[start + index]) return false;
    }
    return true;
  });
}

function encodeChunk(rules: readonly RuleIr[], start: number, context: RouteContext): Chunk {
  const end = chunkEnd(rules, start);
  const taken = rules.slice(start, end.index);
  let dependent = false;
  const clusters = new Set<string>();
  for (const rule of taken) {
    dependent ||= dependsOnContext(rule);
    for (const route of lowerRule(rule, context)) writeRoute(writer, route);
    if (rule.action.kind === "forward") for (const { cluster } of rule.action.split) clusters.add(cluster);
  }
  const bytes = takeBytes(writer);
  const chunk: Chunk = {
    rules: taken,
    closed: end.closed,
    context: dependent ? contextKey(context) : null,
    bytes,
    hash: hash("sha256", bytes, "base64url"),
    refs: Array.from(clusters, (name) => [typeUrls.cluster, name] as const),
  };
  const first = taken[0] as RuleIr;
  chunksByFirstRule.set(first, [chunk, ...(chunksByFirstRule.get(first) ?? []).slice(0, MAX_VARIANTS - 1)]);
  return chunk;
}

function chunkEnd(rules: readonly RuleIr[], start: number): { index: number; closed: boolean } {
  const limit = Math.min(rules.length, start + CHUNK_MAX_RULES);
  for (let index = start; index < limit; index++) {
    if (endsChunk(rules[index] as RuleIr)) return { index: index + 1, closed: true };
  }
  return { index: limit, closed: limit === start + CHUNK_MAX_RULES };
}

function endsChunk(rule: RuleIr): boolean {
  return spreadHash(rule.id) % CHUNK_RULES === 0;
}
