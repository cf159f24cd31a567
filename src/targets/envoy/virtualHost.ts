/**
 * Virtual hosts as ready bytes. Rules are encoded in runs whose borders depend on the rules alone, so that a changed rule
 * costs one run, however long the list is, and the version stays a function of the content.
 */
import { hash } from "node:crypto";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type RuleIr, readFrom, type VirtualHostIr } from "../../ir/index.ts";
import { createRuns } from "../../util/runs.ts";
import { type Steps, shouldYield } from "../../util/steps.ts";
import type { RouteContext } from "./actions/action.ts";
import { dependsOnHost, dependsOnPort } from "./actions/redirectPlace.ts";
import { retryPolicyBytes } from "./failover.ts";
import { type GuardBytes, guardBytes, loopGuard, misdirected } from "./guards.ts";
import { joinLooks, type Looks, looksOf } from "./noted.ts";
import { writeRule } from "./route.ts";
import { type Ref, typeUrls } from "./types.ts";
import { frameHead, joinBytes, openMessage, writeText } from "./writer.ts";

/** Number in RouteConfiguration. */
const ROUTE_CONFIGURATION_VIRTUAL_HOSTS = 2;
/** Numbers in VirtualHost. */
const VIRTUAL_HOST = { name: 1, domains: 2, retryPolicy: 16 } as const;

/** 10 000 rules are 156 runs, and a change encodes about 64 rules (0.2 ms). */
const RUN_RULES = 64;
/** Up to here one copy is made at once: ten thousand small virtual hosts are ten thousand parts, not four times as many. */
const JOIN_MAX_BYTES = 16_384;
/** No hostname has a space: the name is its own. */
const UNKNOWN_HOST = "unknown host";
const OTHER_LISTENERS = "other listeners";

/** Consecutive rules of a virtual host. Immutable. */
interface EncodedRun {
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly refs: readonly Ref[];
  /** Some of its routes differ between hosts; between listeners' ports. */
  readonly dependsOnHost: boolean;
  readonly dependsOnPort: boolean;
  readonly looks: Looks;
  readonly looksAtCookies: boolean;
  readonly context: RouteContext;
}

/** A virtual host as a field of RouteConfiguration, in parts. Immutable. */
export interface EncodedVirtualHost {
  readonly parts: readonly Uint8Array[];
  readonly hash: string;
  /** Clusters of its rules; may repeat. */
  readonly refs: readonly (readonly Ref[])[];
  readonly looks: Looks;
}

/** Encodes virtual hosts behind a port; one for each hostname where a rule's routes depend on it. */
export type VirtualHostEncoder = (host: VirtualHostIr, port: RoutePort) => Steps<readonly EncodedVirtualHost[]>;

/** What routes may depend on of their port. */
export type RoutePort = Omit<RouteContext, "hostname">;

/** An encoder with a memory of its own: what it made of a host stays while the host lives. */
export function createVirtualHostEncoder(): VirtualHostEncoder {
  const runsOf = createRuns<RuleIr, RouteContext, EncodedRun>({
    length: RUN_RULES,
    idOf: ({ id }) => id,
    make: createRunEncoder(),
    holds: (run, { hostname, port, isTls, clientSilenceMs, isLogged }) =>
      run.context.clientSilenceMs === clientSilenceMs &&
      run.context.isLogged === isLogged &&
      (!run.dependsOnHost || run.context.hostname === hostname) &&
      (!run.dependsOnPort || (run.context.port === port && run.context.isTls === isTls)),
  });
  const known = new WeakMap<VirtualHostIr, Map<string, readonly EncodedVirtualHost[]>>();
  return function* encodeHost(host, port) {
    const byPort = known.get(host) ?? new Map<string, readonly EncodedVirtualHost[]>();
    const anyPort = keyOf({ ...port, port: ANY_PORT, isTls: false });
    const found = byPort.get(anyPort) ?? byPort.get(keyOf(port));
    if (found !== undefined) return found;
    const { encoded, dependsOnPort: isOfPort } = yield* encodeGroup(host, port, runsOf);
    known.set(host, byPort.set(isOfPort ? keyOf(port) : anyPort, encoded));
    return encoded;
  };
}

/** The virtual host does not depend on it. */
const ANY_PORT = 0;

function keyOf({ port, isTls, clientSilenceMs, isLogged, via }: RoutePort): string {
  return `${port} ${isTls} ${clientSilenceMs} ${isLogged} ${via}`;
}

type Runs = (rules: readonly RuleIr[], context: RouteContext) => Steps<readonly EncodedRun[]>;

interface EncodedGroup {
  readonly encoded: readonly EncodedVirtualHost[];
  readonly dependsOnPort: boolean;
}

function* encodeGroup({ hostnames, rules }: VirtualHostIr, port: RoutePort, runsOf: Runs): Steps<EncodedGroup> {
  const [first, ...others] = hostnames as readonly [string, ...string[]];
  const runs = yield* runsOf(rules, { hostname: first, ...port });
  const isOfHost = runs.some((run) => run.dependsOnHost);
  const guards = guardsOf(port);
  const domains = (isOfHost ? [first] : hostnames).flatMap(domainsOf);
  const encoded = [assemble({ name: first, domains, guards }, runs)];
  for (const hostname of isOfHost ? others : []) {
    const own = yield* runsOf(rules, { hostname, ...port });
    encoded.push(assemble({ name: hostname, domains: domainsOf(hostname), guards }, own));
  }
  return { encoded, dependsOnPort: runs.some((run) => run.dependsOnPort) };
}

/** A Host may end with a dot. */
function domainsOf(hostname: string): readonly string[] {
  return hostname === "*" ? [hostname] : [hostname, `${hostname}.`];
}

/** Encodes runs. A writer is used again: it has grown to the size of a run. */
function createRunEncoder(): (rules: readonly RuleIr[], context: RouteContext) => Steps<EncodedRun> {
  const spare: BinaryWriter[] = [];
  return function* encodeRun(rules, context) {
    const writer = spare.pop() ?? new BinaryWriter();
    const clusters = new Set<string>();
    let [isOfHost, isOfPort, isOfCookies] = [false, false, false];
    let looks = joinLooks([]);
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index] as RuleIr;
      writeRule(writer, rule, context);
      if (rule.action.kind === "forward") for (const { cluster } of rule.action.split) clusters.add(cluster);
      isOfHost ||= dependsOnHost(rule);
      isOfPort ||= dependsOnPort(rule);
      isOfCookies ||= rule.conditions.some(({ field }) => readFrom(field) === "cookie");
      if (rule.conditions.length > 0) looks = joinLooks([looks, looksOf(rule)]);
      if (shouldYield(index)) yield;
    }
    const bytes = writer.finish();
    spare.push(writer);
    return {
      bytes,
      hash: hash("sha256", bytes, "base64url"),
      refs: Array.from(clusters, (name) => [typeUrls.cluster, name] as const),
      dependsOnHost: isOfHost,
      dependsOnPort: isOfPort,
      looks,
      looksAtCookies: isOfCookies,
      context,
    };
  };
}

interface Guards extends GuardBytes {
  readonly hash: string;
}

const plainGuards = hashed(guardBytes.plain);
const loggedGuards = hashed(guardBytes.logged);

function hashed(guards: GuardBytes): Guards {
  return { ...guards, hash: hash("sha256", joinBytes([guards.all, guards.cookie])) };
}

function guardsOf({ isLogged, via }: Pick<RoutePort, "isLogged" | "via">): Guards {
  const usual = isLogged ? loggedGuards : plainGuards;
  if (via === null) return usual;
  return hashed({ ...usual, all: joinBytes([usual.all, loopGuard(via, isLogged)]) });
}

/** What takes requests for hosts that no virtual host names: the guards, then 404. */
export function unknownHost(isLogged: boolean, via: string | null): EncodedVirtualHost {
  if (via !== null) return assemble({ name: UNKNOWN_HOST, domains: ["*"], guards: guardsOf({ isLogged, via }) }, []);
  return isLogged ? unknownLogged : unknownPlain;
}

/** What takes requests for hosts of other listeners of the port: the guards, then 421. */
export function otherListeners(
  hostnames: readonly string[],
  place: Pick<RoutePort, "isLogged" | "via">,
): EncodedVirtualHost {
  const domains = hostnames.flatMap(domainsOf);
  return assemble({ name: OTHER_LISTENERS, domains, guards: misdirectedGuards(guardsOf(place), place.isLogged) }, []);
}

function misdirectedGuards(guards: Guards, isLogged: boolean): Guards {
  return hashed({ ...guards, all: joinBytes([guards.all, misdirected(isLogged)]) });
}

interface Head {
  readonly name: string;
  readonly domains: readonly string[];
  readonly guards: Guards;
}

function assemble({ name, domains, guards }: Head, runs: readonly EncodedRun[]): EncodedVirtualHost {
  const writer = new BinaryWriter();
  writeText(writer, VIRTUAL_HOST.name, name);
  for (const domain of domains) writeText(writer, VIRTUAL_HOST.domains, domain);
  openMessage(writer, VIRTUAL_HOST.retryPolicy);
  writer.raw(retryPolicyBytes).join();
  const looksAtCookies = runs.some((run) => run.looksAtCookies);
  const own = looksAtCookies ? [guards.cookie] : [];
  const content = [writer.finish(), guards.all, ...own, ...runs.map(({ bytes }) => bytes)];
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const parts = [frameHead(ROUTE_CONFIGURATION_VIRTUAL_HOSTS, size), ...content];
  // None of these holds a line break.
  const identity = [guards.hash, name, ...domains, ...runs.map((run) => run.hash)].join("\n");
  return {
    parts: size <= JOIN_MAX_BYTES ? [joinBytes(parts)] : parts,
    hash: hash("sha256", identity, "base64url"),
    refs: runs.map(({ refs }) => refs),
    looks: joinLooks(runs.map((run) => run.looks)),
  };
}

const unknownPlain = assemble({ name: UNKNOWN_HOST, domains: ["*"], guards: plainGuards }, []);
const unknownLogged = assemble({ name: UNKNOWN_HOST, domains: ["*"], guards: loggedGuards }, []);
