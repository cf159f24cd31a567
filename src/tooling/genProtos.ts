/**
 * Protobuf code from the `.proto` files that `@grpc/grpc-js-xds` ships: the Envoy v1.31 API. Only the import closure of
 * what we use is generated.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOTS = [
  "envoy/service/discovery/v3/ads.proto",
  "envoy/service/cluster/v3/cds.proto",
  "envoy/service/endpoint/v3/eds.proto",
  "envoy/service/listener/v3/lds.proto",
  "envoy/service/route/v3/rds.proto",
  "envoy/config/bootstrap/v3/bootstrap.proto",
  "envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto",
  "envoy/extensions/filters/http/ip_tagging/v3/ip_tagging.proto",
  "envoy/extensions/filters/http/lua/v3/lua.proto",
  "envoy/extensions/filters/http/router/v3/router.proto",
  "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.proto",
  "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto",
  "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto",
  "envoy/extensions/filters/network/connection_limit/v3/connection_limit.proto",
  "envoy/extensions/filters/network/direct_response/v3/config.proto",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
  "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto",
  "envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy.proto",
  "envoy/extensions/filters/udp/udp_proxy/v3/route.proto",
  "envoy/extensions/access_loggers/file/v3/file.proto",
  "envoy/extensions/access_loggers/filters/cel/v3/cel.proto",
  "envoy/extensions/access_loggers/stream/v3/stream.proto",
  "envoy/extensions/filters/http/set_filter_state/v3/set_filter_state.proto",
  "envoy/extensions/filters/http/stateful_session/v3/stateful_session.proto",
  "envoy/extensions/formatter/cel/v3/cel.proto",
  "envoy/extensions/formatter/req_without_query/v3/req_without_query.proto",
  "envoy/extensions/common/matching/v3/extension_matcher.proto",
  "envoy/extensions/filters/common/matcher/action/v3/skip_action.proto",
  "envoy/type/matcher/v3/http_inputs.proto",
  "envoy/extensions/http/stateful_session/cookie/v3/cookie.proto",
  "envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto",
  "envoy/extensions/load_balancing_policies/maglev/v3/maglev.proto",
  "envoy/extensions/load_balancing_policies/random/v3/random.proto",
  "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto",
  "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
  "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto",
  "envoy/extensions/transport_sockets/quic/v3/quic_transport.proto",
  "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto",
  "envoy/extensions/transport_sockets/tls/v3/tls.proto",
  "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
  // Client status: tests read with it what we encode by hand.
  "envoy/service/status/v3/csds.proto",
  "google/rpc/status.proto",
];

const BUF_YAML = "version: v2\n";
/** Options that say how values are checked and how files are to be published: we do neither, and every start would read them. */
const UNUSED_PACKAGES = ["validate", "udpa.annotations", "xds.annotations", "envoy.annotations"];

const BUF_GEN_YAML = `version: v2
plugins:
  - local: protoc-gen-es
    out: gen
    strategy: all
    opt: [target=js+dts, import_extension=js]
    exclude_types: [${UNUSED_PACKAGES.map((name) => `"${name}.**"`).join(", ")}]
`;

/** Writes the generated code below `out`. Needs nothing from the network. */
export async function generateProtos(root: string, out: string): Promise<void> {
  const deps = join(root, "node_modules/@grpc/grpc-js-xds/deps");
  const folders = ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((name) => join(deps, name));
  const work = mkdtempSync(join(tmpdir(), "trimtab-proto-"));
  try {
    copyClosure(ROOTS, folders, work);
    writeFileSync(join(work, "buf.yaml"), BUF_YAML);
    writeFileSync(join(work, "buf.gen.yaml"), BUF_GEN_YAML);
    const bin = join(root, "node_modules/.bin");
    execFileSync(join(bin, "buf"), ["generate"], {
      cwd: work,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    });
    mkdirSync(out, { recursive: true });
    cpSync(join(work, "gen"), out, { recursive: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function copyClosure(roots: string[], folders: string[], into: string): void {
  const seen = new Set<string>();
  const queue = [...roots];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file) || file.startsWith("google/protobuf/")) continue;
    seen.add(file);
    const folder = folders.find((candidate) => existsSync(join(candidate, file)));
    if (folder === undefined) throw new Error(`proto file ${file} not found below ${folders.join(", ")}`);
    const text = readFileSync(join(folder, file), "utf8");
    mkdirSync(dirname(join(into, file)), { recursive: true });
    writeFileSync(join(into, file), file === "validate/validate.proto" ? patchValidate(text) : text);
    for (const match of text.matchAll(/^import (?:public |weak )?"([^"]+)";/gm)) queue.push(match[1] as string);
  }
}

/** The shipped validate.proto lacks `StringRules.ignore_empty` (26 upstream), which Envoy's files use. */
function patchValidate(text: string): string {
  return text.replace("message StringRules {", "message StringRules {\n    optional bool ignore_empty = 26;");
}
