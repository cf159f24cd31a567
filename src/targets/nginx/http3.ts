/**
 * HTTP/3: each server of a port listens over UDP too, at the same address and port. Its requests have no Host field for nginx, which knows
 * their host in small letters and without its port (`common.hbs` puts one behind it).
 */
import {
  altSvc,
  type FleetIr,
  HTTP2_STREAM_WINDOW,
  HTTP2_STREAMS,
  type HttpPortIr,
  type RuleIr,
} from "../../ir/index.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { type Param, param, type Word, word } from "./quote.ts";

/** Clients of the fleet may speak it. */
export function speaksHttp3({ ports }: Pick<FleetIr, "ports">): boolean {
  return ports.some((port) => port.kind === "http" && port.http3 !== null);
}

/** Where it listens over UDP; null: clients speak no HTTP/3. */
export function quicListen({ http3, address, port }: Pick<HttpPortIr, "http3" | "address" | "port">): Word | null {
  return http3 === null ? null : word(hostAndPort(address, port));
}

/** Part of the templates of servers. */
export interface Http3Limits {
  readonly streams: Word;
  readonly window: Word;
  /** What stands behind the host of requests that come where clients are told to come. */
  readonly toldPort: Param;
}

/** Of HTTPS, whose own port no client names. */
const UNNAMED_PORT = 443;

/** In each server. Null: it is not spoken. */
export function http3Limits({ http3 }: Pick<HttpPortIr, "http3">): Http3Limits | null {
  if (http3 === null) return null;
  const { toldPort } = http3;
  return {
    streams: word(HTTP2_STREAMS),
    window: word(HTTP2_STREAM_WINDOW),
    toldPort: param(toldPort === UNNAMED_PORT ? "" : `:${toldPort}`),
  };
}

/** Alt-Svc of the port's answers; null: none. */
export function toldOf({ http3 }: Pick<HttpPortIr, "http3">): string | null {
  return http3 === null ? null : altSvc(http3);
}

const ALT_SVC = "alt-svc";

/** The rule, whose answers tell clients of HTTP/3 in place of the endpoint's own word, unless it says something of the field itself. */
export function tellingHttp3(rule: RuleIr, told: string | null): RuleIr {
  if (told === null) return rule;
  const { set, add, remove } = rule.policies.responseHeaders ?? { set: [], add: [], remove: [] };
  if (remove.includes(ALT_SVC) || set.some(({ name }) => name === ALT_SVC)) return rule;
  const responseHeaders = { set: [...set, { name: ALT_SVC, value: told }], add, remove };
  return { ...rule, policies: { ...rule.policies, responseHeaders } };
}
