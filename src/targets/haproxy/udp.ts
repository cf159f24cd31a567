/** UDP, which HAProxy does not proxy: 2.6 and 3.4 refuse both `bind udp@` and `server udp@`. */
import type { Support } from "../target.ts";

const noUdp = {
  refused: "cannot be UDP: HAProxy passes no UDP packets; serve this listener with Envoy or nginx",
  code: "L4-UDP-HAPROXY",
} as const;

/** A listener's protocol. */
export const tcpOnly = { ...noUdp, when: (value) => value === "UDP" } as const satisfies Support;

/** What HAProxy says of the leaves of UDP listeners. */
export const udpCapabilities = {
  "listener.udp.balance": noUdp,
} as const satisfies Readonly<Record<string, Support>>;
