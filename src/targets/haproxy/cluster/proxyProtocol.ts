/** The PROXY header with which connections to endpoints begin. */
import type { ProxyVersion } from "../../../ir/index.ts";
import type { Quoted } from "../../../util/templates.ts";
import { name } from "../quote.ts";

const WORDS: Readonly<Record<ProxyVersion, Quoted<"name">>> = { v1: name("send-proxy"), v2: name("send-proxy-v2") };

/** What servers say; null: nothing. */
export function sendProxy(version: ProxyVersion | null): Quoted<"name"> | null {
  return version === null ? null : WORDS[version];
}
