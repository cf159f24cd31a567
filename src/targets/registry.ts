/** Every target, by the proxy that it writes for. A new proxy is one line here. */
import type { ProxyKind } from "../ir/index.ts";
import { envoyTarget } from "./envoy/index.ts";
import { haproxyTarget } from "./haproxy/index.ts";
import { nginxTarget } from "./nginx/index.ts";
import type { Target } from "./target.ts";

export const targets: Readonly<Record<ProxyKind, Target>> = {
  envoy: envoyTarget,
  nginx: nginxTarget,
  haproxy: haproxyTarget,
};
