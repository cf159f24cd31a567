/** Answers that Envoy gives by itself. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { RespondIr } from "../../../ir/index.ts";
import { RESPONSE_HEADERS, writeHeaderChanges } from "../policies/headers.ts";
import { type RouteForm, writeDirectResponse } from "./action.ts";

/** The routes of a rule that responds. */
export function respondForms(action: RespondIr): readonly RouteForm[] {
  return [{ authority: null, isForwarded: false, write: (writer) => writeRespond(writer, action) }];
}

/** Header changes of the rule come after these and win. */
function writeRespond(writer: BinaryWriter, { status, body, contentType }: RespondIr): void {
  // RFC 9110: these two have no content.
  const hasContent = status !== 204 && status !== 304;
  writeDirectResponse(writer, status, hasContent ? body : "");
  // Envoy knows only text/plain for a direct response, and writes the request's URL into Location of some.
  const set = body === "" ? [] : [{ name: "content-type", value: contentType }];
  const remove = getsLocation(status) ? ["location"] : [];
  writeHeaderChanges(writer, { set, add: [], remove }, RESPONSE_HEADERS);
}

function getsLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400);
}
