/** A prefix of whole elements replaced by another, for rewrites and redirects. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { RegexMatchAndSubstituteSchema } from "../../gen/proto/envoy/type/matcher/v3/regex_pb.js";
import { regexLiteral, substitutionLiteral } from "./quote.ts";
import { append, openMessage, writeText } from "./writer.ts";

/** Numbers in the message that is open: RouteAction and RedirectAction have fields of these names. */
export interface PathRewriteFields {
  readonly prefixRewrite: number;
  readonly regexRewrite: number;
}

/**
 * Adds the change of `from` to `to`. Envoy's `prefix_rewrite` replaces characters, so the bare slash on either side needs its
 * own form: Gateway API's rows for `/foo`, `/foo/` and `/foo/bar`.
 */
export function writePrefixRewrite(
  writer: BinaryWriter,
  fields: PathRewriteFields,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  if (from === "/" && to === "/") return;
  if (from === "/") writeText(writer, fields.prefixRewrite, `${to}/`);
  else if (to !== "/") writeText(writer, fields.prefixRewrite, to);
  else {
    openMessage(writer, fields.regexRewrite);
    const pattern = { regex: `^${regexLiteral(from)}/?` };
    append(writer, RegexMatchAndSubstituteSchema, { pattern, substitution: substitutionLiteral("/") });
    writer.join();
  }
}
