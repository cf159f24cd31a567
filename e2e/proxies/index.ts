/** The proxies that every case runs on. */
import type { ProxyName } from "../harness/context.ts";
import type { ProxyAdapter } from "./adapter.ts";
import { envoy } from "./envoy.ts";
import { haproxy } from "./haproxy.ts";
import { nginx } from "./nginx.ts";

export const adapters: Readonly<Record<ProxyName, ProxyAdapter>> = { envoy, nginx, haproxy };
