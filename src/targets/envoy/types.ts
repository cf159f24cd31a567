/** Names of Envoy's resource types, and the pieces of messages that several sections use. */
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import {
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from "../../gen/proto/envoy/config/core/v3/config_source_pb.js";
import { contentHash } from "../../util/hash.ts";
import type { RenderedResource } from "../target.ts";

const PREFIX = "type.googleapis.com/";

/** Type URLs of the resource types. */
export const typeUrls = {
  cluster: `${PREFIX}envoy.config.cluster.v3.Cluster`,
  assignment: `${PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${PREFIX}envoy.config.listener.v3.Listener`,
  routes: `${PREFIX}envoy.config.route.v3.RouteConfiguration`,
  secret: `${PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret`,
} as const;

/** Header fields of a request or an answer; HAProxy is told the same number, it is nginx's own where it has a limit. */
export const MAX_HEADERS = 1000;

/** Type URL and name of a resource that must be there first. */
export type Ref = readonly [string, string];

/** Bytes of a message. Deterministic: our protobuf maps have one entry at most. */
export function encode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array {
  return toBinary(schema, message);
}

/** The message inside an Any. */
export function pack<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  return packBytes(schema.typeName, toBinary(schema, message));
}

/** An Any of a type that is known by name only. */
export function packBytes(typeName: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: PREFIX + typeName, value });
}

/** A protobuf Duration. */
export function duration(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 });
}

/** "From the stream that this came on." */
export function adsSource(): ConfigSource {
  return create(ConfigSourceSchema, {
    configSourceSpecifier: { case: "ads", value: {} },
    resourceApiVersion: ApiVersion.V3,
  });
}

/** A resource whose version is the hash of its bytes. */
export function resourceOf(typeUrl: string, name: string, content: { bytes: Uint8Array; refs: readonly Ref[] }) {
  const { bytes, refs } = content;
  return { typeUrl, name, bytes, version: contentHash(bytes), refs } satisfies RenderedResource;
}
