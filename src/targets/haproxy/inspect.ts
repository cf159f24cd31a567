/** What no single field can show: versions too old, and sizes that HAProxy's buffers do not hold. */
import type { Diagnostic } from "../../errors/diagnostic.ts";
import type { FleetIr, RuleIr } from "../../ir/index.ts";
import { BUFFER_BYTES, REWRITE_BYTES } from "./render.ts";
import { DEFAULT_VERSION, fleetVersion, isBefore } from "./version.ts";

/** Status line and headers of an answer share the buffer with its body. */
const ANSWER_HEADER_BYTES = 8_192;
const MAX_BODY_BYTES = BUFFER_BYTES - REWRITE_BYTES - ANSWER_HEADER_BYTES;

/** Errors and warnings about the whole fleet, in the order of ports, virtual hosts and rules. */
export function inspect(ir: FleetIr): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const about = { fleet: ir.name, proxy: ir.proxy };
  if (isBefore(fleetVersion(ir), DEFAULT_VERSION)) {
    found.push({
      ...about,
      code: "HAPROXY-VERSION",
      severity: "error",
      message: `fleet ${ir.name} names HAProxy ${ir.version}; the configuration needs 2.6 or later`,
      resource: { kind: "fleet", name: ir.name },
      pointer: "/version",
    });
  }
  for (const rule of rulesOf(ir)) {
    if (rule.action.kind !== "respond") continue;
    const size = Buffer.byteLength(rule.action.body, "utf8");
    if (size <= MAX_BODY_BYTES) continue;
    found.push({
      ...about,
      code: "HAPROXY-BODY-SIZE",
      severity: "error",
      message: `the body has ${size} bytes; HAProxy answers with at most ${MAX_BODY_BYTES}`,
      resource: { kind: "route", name: rule.route },
      pointer: `${rule.pointer}/respond/body`,
    });
  }
  return found;
}

/** Every rule once, though several virtual hosts may share it. */
function rulesOf(ir: FleetIr): Iterable<RuleIr> {
  const rules = new Map<string, RuleIr>();
  for (const port of ir.ports) {
    if (port.kind === "http")
      for (const host of port.virtualHosts) for (const rule of host.rules) rules.set(rule.id, rule);
  }
  return rules.values();
}
