/**
 * What a listener notes in fields of its own before the route is chosen, over whatever the client sent under their names, and takes
 * off before the request is forwarded: the client's address, since routes look at fields only (docs/decisions/0018), and Referer as it
 * was sent, since Envoy takes it off when it is no URL, or has a fragment or user information (docs/decisions/0036).
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import {
  type TypedExtensionConfig,
  TypedExtensionConfigSchema,
} from "../../gen/proto/envoy/config/core/v3/extension_pb.js";
import { HeaderMutationSchema } from "../../gen/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js";
import type { RuleIr } from "../../ir/index.ts";
import { pack } from "./types.ts";

/** The fields. */
export const SOURCE_HEADER = "x-trimtab-source";
export const REFERER_HEADER = "x-trimtab-referer";

/** What rules ask for that is noted. */
export interface Looks {
  readonly looksAtSource: boolean;
  readonly looksAtReferer: boolean;
}

/** What a rule asks for. */
export function looksOf({ conditions }: RuleIr): Looks {
  return {
    looksAtSource: conditions.some(({ field }) => field.kind === "source"),
    looksAtReferer: conditions.some(({ field }) => field.kind === "header" && field.name === "referer"),
  };
}

/** What any of them asks for. */
export function joinLooks(all: readonly Looks[]): Looks {
  return {
    looksAtSource: all.some((looks) => looks.looksAtSource),
    looksAtReferer: all.some((looks) => looks.looksAtReferer),
  };
}

/** The fields in which it is noted. */
export function notedHeaders({ looksAtSource, looksAtReferer }: Looks): readonly string[] {
  return [...(looksAtSource ? [SOURCE_HEADER] : []), ...(looksAtReferer ? [REFERER_HEADER] : [])];
}

/** For `early_header_mutation_extensions`: Envoy 1.26 and later. */
export function notes({ looksAtSource, looksAtReferer }: Looks): readonly TypedExtensionConfig[] {
  return [...(looksAtSource ? [sourceMutation] : []), ...(looksAtReferer ? [refererMutation] : [])];
}

const sourceMutation = mutation([note(SOURCE_HEADER, "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%")]);
// Without a Referer there is nothing to write over what the client sent.
const refererMutation = mutation([
  { action: { case: "remove", value: REFERER_HEADER } },
  note(REFERER_HEADER, "%REQ(referer)%"),
]);

type Mutation = MessageInitShape<typeof HeaderMutationSchema>["mutations"];

function note(key: string, value: string): NonNullable<Mutation>[number] {
  const appendAction = Append.OVERWRITE_IF_EXISTS_OR_ADD;
  return { action: { case: "append", value: { header: { key, value }, appendAction } } };
}

function mutation(mutations: Mutation): TypedExtensionConfig {
  return create(TypedExtensionConfigSchema, {
    name: "envoy.http.early_header_mutation.header_mutation",
    typedConfig: pack(HeaderMutationSchema, create(HeaderMutationSchema, { mutations: mutations ?? [] })),
  });
}
