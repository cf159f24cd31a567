/**
 * What a listener notes in fields of its own before the route is chosen, over whatever the client sent under their names, and takes
 * off before the request is forwarded: whether a body is chunked (failover.ts), the client's address, since routes look at fields
 * only (docs/decisions/0018), and Referer as it
 * was sent, since Envoy takes it off when it is no URL, or has a fragment or user information (docs/decisions/0036).
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import {
  type TypedExtensionConfig,
  TypedExtensionConfigSchema,
} from "../../gen/proto/envoy/config/core/v3/extension_pb.js";
import { HeaderMutationSchema } from "../../gen/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js";
import { CODING_HEADER, type Looks, REFERER_HEADER, SOURCE_HEADER } from "./noted.ts";
import { pack } from "./types.ts";

/** For `early_header_mutation_extensions`: Envoy 1.26 and later. */
export function notes({ looksAtSource, looksAtReferer }: Looks): readonly TypedExtensionConfig[] {
  return [codingMutation, ...(looksAtSource ? [sourceMutation] : []), ...(looksAtReferer ? [refererMutation] : [])];
}

const codingMutation = mutation([
  { action: { case: "remove", value: CODING_HEADER } },
  note(CODING_HEADER, "%REQ(transfer-encoding)%"),
]);
const sourceMutation = mutation([note(SOURCE_HEADER, "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")]);
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
