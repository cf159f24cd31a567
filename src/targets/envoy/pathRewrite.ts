/** Paths replaced, for rewrites and redirects: a prefix of whole elements, or all of it. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { regexLiteral, substitutionLiteral } from "./quote.ts";
import { openMessage, writeRegex, writeText } from "./writer.ts";

/** Numbers in RegexMatchAndSubstitute. */
const SUBSTITUTE = { pattern: 1, substitution: 2 } as const;

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
  else writeRegexRewrite(writer, fields, { regex: `^${regexLiteral(from)}/?`, path: "/" });
}

/** Adds the change of the whole path. (`path_rewrite` came with Envoy 1.37.) */
export function writeFullRewrite(writer: BinaryWriter, fields: PathRewriteFields, path: string): void {
  writeRegexRewrite(writer, fields, { regex: "^/.*$", path });
}

function writeRegexRewrite(
  writer: BinaryWriter,
  fields: PathRewriteFields,
  { regex, path }: { readonly regex: string; readonly path: string },
): void {
  openMessage(writer, fields.regexRewrite);
  writeRegex(writer, SUBSTITUTE.pattern, regex);
  writeText(writer, SUBSTITUTE.substitution, substitutionLiteral(path));
  writer.join();
}
