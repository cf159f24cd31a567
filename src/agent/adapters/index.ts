/** Every proxy as the agent runs it: a new one is one line here. */
import type { ProxyKind } from "../../ir/index.ts";
import type { Adapter } from "../types.ts";
import { envoyAdapter } from "./envoy.ts";
import { haproxyAdapter } from "./haproxy.ts";
import { nginxAdapter } from "./nginx.ts";

export const adapters: Readonly<Record<ProxyKind, Adapter>> = {
  envoy: envoyAdapter,
  nginx: nginxAdapter,
  haproxy: haproxyAdapter,
};
