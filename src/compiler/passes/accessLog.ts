/** A fleet's access log, defaults filled in. */
import { defaults } from "../../gen/defaults.ts";
import { type AccessLogIr, CONNECTION_LOG_FIELDS, REQUEST_LOG_FIELDS } from "../../ir/index.ts";
import type { Fleet } from "../../model/index.ts";
import { reuse } from "../reuse.ts";

const DEFAULTS = {
  path: defaults["fleet.accessLog.path"],
  fields: defaults["fleet.accessLog.fields"],
  samplePercent: defaults["fleet.accessLog.samplePercent"],
};

/** Null: none is written. Gives `before` itself when it says the same. */
export function compileAccessLog({ accessLog }: Fleet, before: AccessLogIr | null): AccessLogIr | null {
  if (accessLog === undefined) return null;
  const { path, fields, samplePercent } = { ...DEFAULTS, ...accessLog };
  const asked = new Set<string>(fields);
  return reuse<AccessLogIr>(before, {
    path,
    requestFields: REQUEST_LOG_FIELDS.filter((field) => asked.has(field)),
    connectionFields: CONNECTION_LOG_FIELDS.filter((field) => asked.has(field)),
    samplePercent,
  });
}
