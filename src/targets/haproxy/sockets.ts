/** How HAProxy opens sockets: lines of `defaults` (`http.hbs`, `tcp.hbs`), and of a `bind`. */
import type { SocketsIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import type { Support } from "../target.ts";
import { number } from "./quote.ts";

/** What HAProxy says of what `process` says of sockets. */
export const socketCapabilities = {
  "fleet.process.backlog": "exact",
  "fleet.process.reusePort": "exact",
  "fleet.process.tcpKeepalive.idle": "exact",
  "fleet.process.tcpKeepalive.interval": "exact",
  "fleet.process.tcpKeepalive.probes": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** Part of `http.hbs` and `tcp.hbs`. */
export interface SocketsView {
  readonly backlog: Quoted<"number"> | null;
  readonly keepalive: KeepaliveView | null;
}

interface KeepaliveView {
  readonly idle: Quoted<"number">;
  readonly interval: Quoted<"number">;
  readonly probes: Quoted<"number">;
}

/** Of all frontends and backends. */
export function socketsView({ backlog, keepalive }: SocketsIr): SocketsView {
  return { backlog: backlog === null ? null : number(backlog), keepalive: keepalive === null ? null : view(keepalive) };
}

function view({ idleSeconds, intervalSeconds, probes }: NonNullable<SocketsIr["keepalive"]>): KeepaliveView {
  return { idle: number(idleSeconds), interval: number(intervalSeconds), probes: number(probes) };
}
