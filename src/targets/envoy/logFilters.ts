/** Filters of access loggers and of what answers look like. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { AccessLogFilterSchema } from "../../gen/proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { ExpressionFilterSchema } from "../../gen/proto/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js";
import { pack } from "./types.ts";

/** Which lines are written, or which answers are meant. */
export type LogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** Takes what an expression of CEL is true of. */
export function expressionFilter(expression: string): LogFilter {
  const typedConfig = pack(ExpressionFilterSchema, create(ExpressionFilterSchema, { expression }));
  return {
    filterSpecifier: {
      case: "extensionFilter",
      value: {
        name: "envoy.access_loggers.extension_filters.cel",
        configType: { case: "typedConfig", value: typedConfig },
      },
    },
  };
}

/** Takes what each of them takes; null: there are none. */
export function allOf(filters: readonly LogFilter[]): LogFilter | null {
  const [first = null] = filters;
  if (filters.length < 2) return first;
  return { filterSpecifier: { case: "andFilter", value: { filters: [...filters] } } };
}
