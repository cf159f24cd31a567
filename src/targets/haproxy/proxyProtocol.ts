/** The PROXY header at the beginning of a frontend's connections, as lines of it. */
import type { FleetIr, ProxyProtocolIr } from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";
import { word } from "./quote.ts";

const noChoice = {
  refused:
    "cannot be optional: HAProxy knows only by a client's address whether a header comes; say `from`, or serve the listener with Envoy",
  code: "PP-OPTIONAL",
  when: foundByInspection,
} as const satisfies Support;

const alwaysFromSenders = {
  approximated: "is required of connections from the ranges of `from`; those from elsewhere are clients themselves",
  code: "PP-OPTIONAL-HAPROXY",
  when: foundByInspection,
} as const satisfies Support;

/** What HAProxy says of the leaves of `proxyProtocol`. */
export const proxyProtocolCapabilities = {
  "listener.proxyProtocol.mode": [noChoice, alwaysFromSenders],
  "listener.proxyProtocol.from[]": "exact",
} as const satisfies Readonly<Record<string, Support>>;

/** What becomes of headers that need not come. */
export function inspectProxyProtocol({ ports }: FleetIr): readonly Finding[] {
  return ports.flatMap((port) => {
    if (port.kind === "udp" || port.proxyProtocol?.mode !== "optional") return [];
    const said =
      port.proxyProtocol.from === ""
        ? { code: noChoice.code, severity: "error" as const, message: noChoice.refused }
        : { code: alwaysFromSenders.code, severity: "warning" as const, message: alwaysFromSenders.approximated };
    const pointer = "/proxyProtocol/mode";
    return port.listeners.map((name) => ({ ...said, resource: { kind: "listener" as const, name }, pointer }));
  });
}

/** Part of `frontend.hbs` and `tcpFrontend.hbs`. */
export interface ProxyProtocolView {
  /** Every connection begins with a header. */
  readonly acceptProxy: boolean;
  /** The header is read before `src` is the client's; connections are counted by it only then. */
  readonly proxied: boolean;
  /** Who sends headers; null: anybody. */
  readonly senders: readonly Quoted<"word">[] | null;
}

/** The lines of a port. */
export function proxyProtocolView(asked: ProxyProtocolIr | null): ProxyProtocolView {
  if (asked === null) return { acceptProxy: false, proxied: false, senders: null };
  const senders = asked.from === "" ? null : asked.from.split(" ").map(word);
  return { acceptProxy: asked.mode === "required", proxied: true, senders };
}
