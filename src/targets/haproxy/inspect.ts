/** What no single field can show: versions too old, and sizes that HAProxy's buffers do not hold. */
import type { FleetIr, VirtualHostIr } from "../../ir/index.ts";
import type { Finding } from "../target.ts";
import { BUFFER_BYTES, REWRITE_BYTES } from "./render.ts";
import { DEFAULT_VERSION, fleetVersion, isBefore } from "./version.ts";

/** Status line and headers of an answer share the buffer with its body. */
const ANSWER_HEADER_BYTES = 8_192;
const MAX_BODY_BYTES = BUFFER_BYTES - REWRITE_BYTES - ANSWER_HEADER_BYTES;

/** Errors about the whole fleet. */
export function inspect(ir: FleetIr): readonly Finding[] {
  const found: Finding[] = [];
  if (isBefore(fleetVersion(ir), DEFAULT_VERSION)) {
    found.push({
      code: "HAPROXY-VERSION",
      severity: "error",
      message: `fleet ${ir.name} names HAProxy ${ir.version}; the configuration needs 2.6 or later`,
      resource: { kind: "fleet", name: ir.name },
      pointer: "/version",
    });
  }
  return found;
}

/** Answers of a virtual host's rules that do not fit into HAProxy's buffer. */
export function inspectHost({ rules }: VirtualHostIr): readonly Finding[] {
  const found: Finding[] = [];
  for (const rule of rules) {
    if (rule.action.kind !== "respond") continue;
    const size = Buffer.byteLength(rule.action.body, "utf8");
    if (size <= MAX_BODY_BYTES) continue;
    found.push({
      code: "HAPROXY-BODY-SIZE",
      severity: "error",
      message: `the body has ${size} bytes; HAProxy answers with at most ${MAX_BODY_BYTES}`,
      resource: { kind: "route", name: rule.route },
      pointer: `${rule.pointer}/respond/body`,
    });
  }
  return found;
}
