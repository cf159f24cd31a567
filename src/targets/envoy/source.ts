/**
 * The client's address as a field: routes look at fields only (docs/decisions/0018). It is written before the route is chosen, over
 * whatever the client sent under that name, and taken off before the request is forwarded.
 */
import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { TypedExtensionConfigSchema } from "../../gen/proto/envoy/config/core/v3/extension_pb.js";
import { HeaderMutationSchema } from "../../gen/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js";
import type { RuleIr } from "../../ir/index.ts";
import { pack } from "./types.ts";

/** The field. */
export const SOURCE_HEADER = "x-trimtab-source";

/** Whether a rule asks for the client's address. */
export function looksAtSource({ conditions }: RuleIr): boolean {
  return conditions.some(({ field }) => field.kind === "source");
}

/** For `early_header_mutation_extensions`: Envoy 1.26 and later. */
export const sourceMutation = create(TypedExtensionConfigSchema, {
  name: "envoy.http.early_header_mutation.header_mutation",
  typedConfig: pack(
    HeaderMutationSchema,
    create(HeaderMutationSchema, {
      mutations: [
        {
          action: {
            case: "append",
            value: {
              header: { key: SOURCE_HEADER, value: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%" },
              appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD,
            },
          },
        },
      ],
    }),
  ),
});
