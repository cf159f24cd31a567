/** Fits the parts of a drawn document to each other, where chance would hardly ever: what a schema cannot say of several fields. */
import { references } from "../../gen/references.ts";
import { mendAffinity } from "./mendAffinity.ts";
import { mendBalance } from "./mendBalance.ts";
import { mendClusterTls } from "./mendClusterTls.ts";
import { mendGrpc } from "./mendGrpc.ts";
import { ofHttp, ofHttps } from "./mendHttp3.ts";
import { mendLimits } from "./mendLimits.ts";
import { mendPreferLocal } from "./mendPreferLocal.ts";
import { mendProxyProtocol } from "./mendProxyProtocol.ts";
import { mendTls } from "./mendTls.ts";
import { collectionOf, type Document, type Item, KINDS } from "./names.ts";

/** What is true of all models that random ones are to become. Changes the document. */
export function mend(document: Document): Document {
  mendReferences(document);
  mendClientTimeouts(document);
  mendTls(document);
  mendIdleTimeouts(document);
  mendBalance(document);
  mendAffinity(document);
  for (const route of document.routes ?? []) {
    if (route.protocol === "tcp") keepSplit(route, undefined);
    // Envoy has no weights for UDP.
    if (route.protocol === "udp") keepSplit(route, 1);
    makeTwins(route);
  }
  mendGrpc(document);
  mendProxyProtocol(document);
  // Last: they look at who reaches a cluster.
  mendLimits(document);
  mendClusterTls(document);
  mendPreferLocal(document);
  return document;
}

/** Names name objects that there are. Changes the document. */
export function mendReferences(document: Document): void {
  for (const { kind, collection } of KINDS) {
    for (const item of document[collection] ?? []) {
      for (const [named, ...steps] of references[kind as keyof typeof references]) {
        const names = (document[collectionOf(named)] ?? []).map(({ name }) => name);
        rename(item, steps, (name) => (names.includes(name) ? name : names[sizeOf(name) % names.length]));
      }
    }
  }
}

function httpOf(listener: Item, first: Item | undefined): object | undefined {
  if (listener.protocol === "HTTPS") return ofHttps(listener.http as object | undefined);
  return listener.protocol === "HTTP" ? ofHttp(first?.http as object | undefined) : undefined;
}

/** Listeners that share a port must have the same limits for clients, and only those of HTTP have any. Changes the document. */
export function mendClientTimeouts({ listeners = [] }: Document): void {
  for (const listener of listeners) {
    const first = listeners.find(({ port, protocol }) => protocol === "HTTP" && port === listener.port);
    const limit = first?.connectionLimit;
    const http = httpOf(listener, first);
    const header = first?.proxyProtocol;
    delete listener.connectionLimit;
    delete listener.proxyProtocol;
    delete listener.http;
    // In the schema's order: models are compared as text.
    if (limit !== undefined) listener.connectionLimit = limit;
    if (header !== undefined) listener.proxyProtocol = header;
    if (http !== undefined) listener.http = http;
  }
}

/** Only listeners that are not HTTP have an idle timeout of their own, and only those of UDP `udp`. Changes the document. */
export function mendIdleTimeouts({ listeners = [] }: Document): void {
  for (const listener of listeners) {
    if (listener.protocol === "HTTP" || listener.protocol === "HTTPS") delete listener.idleTimeout;
    if (listener.protocol !== "UDP") delete listener.udp;
  }
}

/** Most splits of two clusters are between the same two: no canary could be moved from one rule to another otherwise. */
function makeTwins({ rules }: Item): void {
  for (const { split = [] } of rules as { split?: { cluster: string }[] }[]) {
    const [one, two] = split;
    if (one === undefined || two === undefined || split.length > 2 || sizeOf(JSON.stringify(split)) % 3 === 0) continue;
    one.cluster = "one";
    two.cluster = "two";
  }
}

/** A TCP or UDP route has one rule, with a split only. */
function keepSplit(route: Item, most: number | undefined): void {
  const { split } = (route.rules as Partial<Item>[]).find((rule) => rule.split !== undefined) ?? {};
  if (!Array.isArray(split)) return;
  const kept = split.slice(0, most);
  if (most === 1) delete kept[0].weight;
  route.rules = [{ split: kept }];
}

interface SplitPlace {
  readonly route: string;
  readonly rule: number;
  readonly name: string | undefined;
  readonly clusters: readonly string[];
}

/**
 * Canaries move rules that split between two clusters, each another one; without such a rule a canary goes. One rule is left over,
 * to which a canary can be moved by an edit.
 */
export function mendCanaries(document: Document): Document {
  const places = (document.routes ?? []).flatMap((route) => splitsOf(route));
  document.canaries = (document.canaries ?? []).flatMap((canary, index) => {
    if (index > 0 && places.length === 1) return [];
    const [place] = places.splice(sizeOf(JSON.stringify(canary)) % Math.max(1, places.length), 1);
    if (place === undefined) return [];
    const steps = canary.steps as object[];
    const state = canary.state as { step: number } | undefined;
    const rule = typeof canary.rule === "string" ? (place.name ?? place.rule) : place.rule;
    const [stable, target] = place.clusters;
    const fitted = { ...canary, route: place.route, rule, stable, canary: target };
    return state === undefined ? [fitted] : [{ ...fitted, state: { ...state, step: state.step % steps.length } }];
  });
  return document;
}

function splitsOf({ name: route, rules }: Item): SplitPlace[] {
  return (rules as { name?: string; split?: { cluster: string }[] }[]).flatMap(({ name, split = [] }, rule) => {
    const clusters = split.map(({ cluster }) => cluster);
    return clusters.length === 2 ? [{ route, rule, name, clusters }] : [];
  });
}

/** Some number that the same text always has. */
function sizeOf(text: string): number {
  let size = 0;
  for (const character of text) size = (size * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return size;
}

/** Replaces every text that stands where `steps` lead; one that has no other is left. */
export function rename(value: unknown, steps: readonly string[], other: (name: string) => string | undefined): void {
  const [step, ...rest] = steps;
  if (value === null || typeof value !== "object" || step === undefined) return;
  const container = value as Record<string, unknown>;
  for (const key of step === "*" ? Object.keys(container) : [step]) {
    const found = container[key];
    if (rest.length > 0) rename(found, rest, other);
    else if (typeof found === "string") container[key] = other(found) ?? found;
  }
}
