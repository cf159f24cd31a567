/** Answers that Envoy gives by itself. */
import { HeaderValueOption_HeaderAppendAction as Append } from "../../../gen/proto/envoy/config/core/v3/base_pb.js";
import type { RespondIr } from "../../../ir/index.ts";
import { formatLiteral } from "../quote.ts";
import { directResponse, type RouteForm } from "./action.ts";

/** The routes of a rule that responds. Header changes of the rule come after these and win. */
export function respondForms({ status, body, contentType }: RespondIr): readonly RouteForm[] {
  // RFC 9110: these two have no content.
  const hasContent = status !== 204 && status !== 304;
  const fields = {
    ...directResponse(status, hasContent ? body : ""),
    responseHeadersToAdd: body === "" ? [] : [contentTypeOf(contentType)],
    responseHeadersToRemove: getsLocation(status) ? ["location"] : [],
  };
  return [{ kind: "answer", authority: null, fields }];
}

/** Envoy knows only text/plain for a direct response: the content type is a header change. */
function contentTypeOf(value: string) {
  const header = { key: "content-type", value: formatLiteral(value) };
  return { header, appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD };
}

/** Envoy itself writes the request's URL into Location of such a direct response. */
function getsLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400);
}
