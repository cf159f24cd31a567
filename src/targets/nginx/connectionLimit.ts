/** How many connections a server takes: shared memory in which all workers count, and what each server says. */
import type { ConnectionLimitIr, HttpPortIr } from "../../ir/index.ts";
import { type Finding, foundByInspection, type Support } from "../target.ts";
import { block, joinBlocks } from "./blocks.ts";
import { param, variable, word } from "./quote.ts";
import type { Block, Views } from "./views.ts";

/** Of HTTP ports; of TCP it is exact, and the field does not show which it is. */
const requestsOfHttp = {
  approximated:
    "counts requests that are being forwarded, and answers 503 to one more: nginx does not count idle connections",
  code: "LIMIT-REQUESTS-NGINX",
  when: foundByInspection,
} as const satisfies Support;

/** The largest number of `limit_conn`. */
const MAX_COUNT = 65_535;

/** Of every limit for which nginx counts by itself. */
export const tooLarge = {
  refused: `is at most ${MAX_COUNT} in nginx`,
  code: "LIMIT-SIZE-NGINX",
  when: (value: unknown) => typeof value === "number" && value > MAX_COUNT,
} as const satisfies Support;

/** What nginx says of the leaves of `connectionLimit`. */
export const connectionLimitCapabilities = {
  "listener.connectionLimit.max": [requestsOfHttp, tooLarge],
  "listener.connectionLimit.perSource": [requestsOfHttp, tooLarge],
} as const satisfies Readonly<Record<string, Support>>;

/** What an HTTP port's limits become. */
export function inspectLimit({ connectionLimit, listeners }: HttpPortIr): readonly Finding[] {
  const fields = (["max", "perSource"] as const).filter((field) => connectionLimit[field] !== null);
  return listeners.flatMap((name) =>
    fields.map((field) => ({
      code: requestsOfHttp.code,
      severity: "warning" as const,
      message: requestsOfHttp.approximated,
      resource: { kind: "listener" as const, name },
      pointer: `/connectionLimit/${field}`,
    })),
  );
}

/** One counter; nginx refuses a zone under eight pages. */
export const ZONE_OF_ALL = "64k";
/** 80 000 addresses at a time; the connections of more are refused. */
const ZONE_OF_SOURCES = "10m";

/** Before the servers of a listener. Null: no limit. */
export function limitZones(listener: string, { max, perSource }: ConnectionLimitIr): Block | null {
  const zones: Views["limitZone"][] = [];
  if (max !== null) zones.push({ key: param("all"), zone: word(`max_${listener}:${ZONE_OF_ALL}`) });
  if (perSource !== null)
    zones.push({ key: param(variable("binary_remote_addr")), zone: word(`source_${listener}:${ZONE_OF_SOURCES}`) });
  return zones.length === 0 ? null : joinBlocks(zones.map((view) => block("limitZone", view)));
}

/** In each server of it, likewise. */
export function limitLines(listener: string, { max, perSource }: ConnectionLimitIr): Block | null {
  const limits: Views["limit"][] = [];
  if (max !== null) limits.push({ zone: word(`max_${listener}`), max: word(max) });
  if (perSource !== null) limits.push({ zone: word(`source_${listener}`), max: word(perSource) });
  return limits.length === 0 ? null : joinBlocks(limits.map((view) => block("limit", view)));
}
