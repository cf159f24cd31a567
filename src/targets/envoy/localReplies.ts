/** How Envoy's own answers look: the same statuses and bodies as on the other proxies. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ComparisonFilter_Op } from "../../gen/proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import {
  type LocalReplyConfig,
  LocalReplyConfigSchema,
  type ResponseMapperSchema,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { GRPC_ANSWERS, GRPC_CONTENT, type GrpcAnswer, REASON_BODIES } from "../../ir/index.ts";
import { expressionFilter, type LogFilter } from "./logFilters.ts";

/** The reply broke after a connection stood: reset, closed, malformed. Envoy itself answers 503 to the first two. */
const BROKEN_REPLY_FLAGS = ["UC", "UR", "UPE"];

const plainFormat = {
  format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: "%LOCAL_REPLY_BODY%" } } },
  contentType: "text/plain",
} as const;

function mapper(status: number, filter: LogFilter): MessageInitShape<typeof ResponseMapperSchema> {
  return {
    filter,
    statusCode: status,
    body: { specifier: { case: "inlineString", value: REASON_BODIES[status] as string } },
    bodyFormatOverride: plainFormat,
  };
}

/**
 * Of the answers with this status, those that the expression takes. An expression costs 4 thousand instructions: the status,
 * which costs next to nothing, is asked first (measured: 173 to 103 thousand for a redirect).
 */
function ofStatus(status: number, expression: string): LogFilter {
  const comparison = { op: ComparisonFilter_Op.EQ, value: { defaultValue: status, runtimeKey: NO_RUNTIME_KEY } };
  return {
    filterSpecifier: {
      case: "andFilter",
      value: {
        filters: [
          { filterSpecifier: { case: "statusCodeFilter", value: { comparison } } },
          expressionFilter(expression),
        ],
      },
    },
  };
}

/** Envoy wants one; nobody sets it. */
const NO_RUNTIME_KEY = "trimtab.unused";

/** Statuses alone would also catch the answers that rules give; their code detail tells them apart. */
function ownReply(status: number): LogFilter {
  return ofStatus(status, "response.code_details != 'direct_response'");
}

/** That the request is a call. */
const isCall: LogFilter = {
  filterSpecifier: {
    case: "headerFilter",
    value: {
      header: {
        name: "content-type",
        headerMatchSpecifier: {
          case: "stringMatch",
          value: { matchPattern: { case: "safeRegex", value: { regex: GRPC_CONTENT } } },
        },
      },
    },
  },
};

/**
 * Envoy itself gives calls a status of gRPC in place of one of HTTP, and its body as a message. Here they are written out: what it would
 * say of a limit on time is another one.
 */
function callMapper(status: number, filters: readonly LogFilter[]): MessageInitShape<typeof ResponseMapperSchema> {
  const { status: own, message } = GRPC_ANSWERS[status] as GrpcAnswer;
  return {
    filter: { filterSpecifier: { case: "andFilter", value: { filters: [...filters, isCall] } } },
    body: { specifier: { case: "inlineString", value: message } },
    headersToAdd: [
      { header: { key: "grpc-status", value: String(own) }, appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD },
    ],
  };
}

/** The first mapper that fits is used. `calls`: those of gRPC may come. */
export function localReplies(calls: boolean): LocalReplyConfig {
  const broken: LogFilter = { filterSpecifier: { case: "responseFlagFilter", value: { flags: BROKEN_REPLY_FLAGS } } };
  // `OPTIONS *`; Envoy itself answers 404.
  const noPath = ofStatus(404, "response.code_details == 'absolute_path_rejected'");
  // An absolute-form target `https://…`; Envoy itself answers 403.
  const notOurScheme = ofStatus(403, "response.code_details == 'http1.https_url_on_plaintext_connection'");
  const statuses = Object.keys(REASON_BODIES).map(Number);
  return create(LocalReplyConfigSchema, {
    mappers: [
      ...(calls
        ? [callMapper(502, [broken]), ...statuses.map((status) => callMapper(status, [ownReply(status)]))]
        : []),
      mapper(502, broken),
      mapper(400, noPath),
      mapper(400, notOurScheme),
      ...statuses.map((status) => mapper(status, ownReply(status))),
    ],
    bodyFormat: { format: plainFormat.format },
  });
}
