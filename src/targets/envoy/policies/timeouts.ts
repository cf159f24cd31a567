/** How long a forwarded request may take. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { openMessage, ROUTE, writeNumber } from "../writer.ts";
import type { RoutePolicy } from "./policy.ts";

/** Numbers in RouteAction and Duration. */
const ACTION = { timeout: 8, idleTimeout: 24 } as const;
const DURATION = { seconds: 1, nanos: 2 } as const;

/** The policy. Envoy limits a whole request to 15 s unless it is told 0: none. */
export const timeouts = {
  policy: "timeouts",
  capabilities: { "route.rules[].timeouts.request": "exact", "route.rules[].timeouts.idle": "exact" },
  of: "forwarded",
  write(writer, { idleMs, requestMs }) {
    openMessage(writer, ROUTE.route);
    writeDuration(writer, ACTION.timeout, requestMs ?? 0);
    writeDuration(writer, ACTION.idleTimeout, idleMs);
    writer.join();
  },
} as const satisfies RoutePolicy<"timeouts">;

/** 0 is written as an empty Duration: an absent one is Envoy's default. */
function writeDuration(writer: BinaryWriter, field: number, milliseconds: number): void {
  openMessage(writer, field);
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = (milliseconds - seconds * 1000) * 1_000_000;
  if (seconds !== 0) writeNumber(writer, DURATION.seconds, seconds);
  if (nanos !== 0) writeNumber(writer, DURATION.nanos, nanos);
  writer.join();
}
