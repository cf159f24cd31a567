/** Names of what a rendering holds: those of the model's listeners, routes, rules and clusters, so that a change moves no neighbour. */
import { innerSocket, type RuleIr } from "../../ir/index.ts";

/** The file with the global section, the defaults and the clusters; HAProxy reads a folder's files by name, and this one first. */
export const CONFIG_FILE = "haproxy.cfg";

/** Stands where no port is. No listener's name has a capital. */
export const NO_PORT_FRONTEND = "NO-PORT";
/** Of certificates that servers show. */
export const CLIENT_CERTIFICATES_FRONTEND = "CLIENT-CERTIFICATES";

/** The file of one socket. Sorts behind `CONFIG_FILE`, whose defaults it refers to. */
export function listenerFile(listener: string): string {
  return `listener.${listener}.cfg`;
}

/**
 * What `txn.rule` holds for a request that the rule takes: `<route>/<rule>`. The matches of a rule share it; where the matched
 * prefix is replaced, each match but the first has its place behind it.
 */
export function ruleKey(rule: RuleIr): string {
  if (!replacesPrefix(rule)) return rule.name;
  const match = matchIndex(rule);
  return match === "0" ? rule.name : `${rule.name}/${match}`;
}

/** What one match of a rule is called in the names of its ACLs: no slash is allowed there. */
export function matchName(rule: RuleIr): string {
  const match = matchIndex(rule);
  return dotted(match === "0" ? rule.name : `${rule.name}/${match}`);
}

function matchIndex({ id }: RuleIr): string {
  return id.slice(id.lastIndexOf(".") + 1);
}

function replacesPrefix({ action, policies }: RuleIr): boolean {
  if (action.kind === "redirect") return action.path?.kind === "prefix";
  return policies.rewrite?.path?.kind === "prefix";
}

/** `shop/home` as part of a file's or an ACL's name. */
export function dotted(key: string): string {
  return key.replaceAll("/", ".");
}

/** Marks what a path look-up finds when several rules may take the request. No rule's name begins so. */
export const CHOICE_MARK = "?";

/** The backend that answers for a rule by itself: `web:shop:moved`. No cluster's name has a colon. */
export function answerBackend(listener: string, key: string): string {
  return [listener, ...key.split("/")].join(":");
}

/** A cluster's backend for one rule alone: `cart:shop:api`. Such a rule has no answer, whose backend could have the same name. */
export function apartBackend(cluster: string, key: string): string {
  return answerBackend(cluster, key);
}

/**
 * The backend of a cluster for TCP ports with this idle timeout, which HAProxy keeps in the backend. For HTTP it has the cluster's
 * name.
 */
export function tcpBackend(cluster: string, idleTimeoutMs: number): string {
  return `${cluster}.tcp.${idleTimeoutMs}ms`;
}

/** Where TLS ends behind a frontend that has read the server name: a backend, and the frontend that it leads to. */
export function endedFrontend(listener: string): string {
  return `${listener}:ended`;
}

/** What reads the server name in front of requests. */
export function namesFrontend(listener: string): string {
  return `${listener}:names`;
}

/** Which leads to the frontend that reads requests. */
export function requestsBackend(listener: string): string {
  return `${listener}:requests`;
}

/** The socket of that frontend. */
export function requestsSocket(listener: string): string {
  return innerSocket("requests", listener);
}

/** A server's name: its address, so that its state survives the coming and going of others. */
export function serverName(endpoint: { readonly address: string; readonly port: number }): string {
  return `${endpoint.address}:${endpoint.port}`;
}

/** The same endpoint as a backup of itself (`outlierDetection.ts`). No address begins so. */
export function onceMoreName(endpoint: { readonly address: string; readonly port: number }): string {
  return `again-${serverName(endpoint)}`;
}

/** A map file that belongs to one listener. */
export function listenerMap(listener: string, map: string): string {
  return `maps/${listener}/${map}.map`;
}

/** A certificate with its key. */
export function certificateFile(certificate: string): string {
  return `certificates/${certificate}.pem`;
}

/** Who is trusted. */
export function authorityFile(authority: string): string {
  return `authorities/${authority}.pem`;
}

/** What an authority has revoked. */
export function revocationFile(authority: string): string {
  return `authorities/${authority}.crl`;
}

/** Which certificates a listener shows. */
export function certificateList(listener: string): string {
  return `certificates/${listener}.list`;
}

/** What stands for no label of a geo table: no label begins so. */
export const NO_LABEL = "-";

/** A geo table as a map from address ranges to labels. */
export function geoMap(table: string): string {
  return `geo/${table}.map`;
}

/** A map file with what rules change in the requests and answers of one cluster. */
export function changesMap(cluster: string, map: string): string {
  return `changes/${cluster}/${map}.map`;
}

/** The names of the rules that change something there. */
export function changingRules(cluster: string): string {
  return `changes/${cluster}/rules.list`;
}

/** The body of a rule's answer. */
export function bodyFile(key: string): string {
  return `bodies/${dotted(key)}.txt`;
}
