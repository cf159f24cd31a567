/** Envoy resources as protobuf's canonical JSON, messages inside of messages too. */
import { createRegistry, type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import {
  BootstrapSchema,
  file_envoy_config_bootstrap_v3_bootstrap,
} from "../../gen/proto/envoy/config/bootstrap/v3/bootstrap_pb.js";
import {
  ClusterSchema,
  file_envoy_config_cluster_v3_cluster,
} from "../../gen/proto/envoy/config/cluster/v3/cluster_pb.js";
import { ClusterLoadAssignmentSchema } from "../../gen/proto/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../../gen/proto/envoy/config/listener/v3/listener_pb.js";
import { file_envoy_config_route_v3_route_components } from "../../gen/proto/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../../gen/proto/envoy/config/route/v3/route_pb.js";
import * as fileLog from "../../gen/proto/envoy/extensions/access_loggers/file/v3/file_pb.js";
import * as celFilter from "../../gen/proto/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js";
import * as streamLog from "../../gen/proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import * as extensionMatcher from "../../gen/proto/envoy/extensions/common/matching/v3/extension_matcher_pb.js";
import * as skipAction from "../../gen/proto/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.js";
import * as laterMutation from "../../gen/proto/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import * as ipTagging from "../../gen/proto/envoy/extensions/filters/http/ip_tagging/v3/ip_tagging_pb.js";
import * as lua from "../../gen/proto/envoy/extensions/filters/http/lua/v3/lua_pb.js";
import * as router from "../../gen/proto/envoy/extensions/filters/http/router/v3/router_pb.js";
import * as filterState from "../../gen/proto/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js";
import * as statefulSession from "../../gen/proto/envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js";
import * as headerFilter from "../../gen/proto/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js";
import * as tlsInspector from "../../gen/proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import * as connectionLimit from "../../gen/proto/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js";
import * as directResponse from "../../gen/proto/envoy/extensions/filters/network/direct_response/v3/config_pb.js";
import * as httpManager from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import * as tcpProxy from "../../gen/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import * as udpRoute from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js";
import * as udpProxy from "../../gen/proto/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js";
import * as cel from "../../gen/proto/envoy/extensions/formatter/cel/v3/cel_pb.js";
import * as withoutQuery from "../../gen/proto/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.js";
import * as headerMutation from "../../gen/proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js";
import * as cookieSession from "../../gen/proto/envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js";
import * as leastRequest from "../../gen/proto/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
import * as maglev from "../../gen/proto/envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js";
import * as random from "../../gen/proto/envoy/extensions/load_balancing_policies/random/v3/random_pb.js";
import * as roundRobin from "../../gen/proto/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js";
import * as previousHosts from "../../gen/proto/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import * as headerSocket from "../../gen/proto/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js";
import * as quic from "../../gen/proto/envoy/extensions/transport_sockets/quic/v3/quic_transport_pb.js";
import * as rawBuffer from "../../gen/proto/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import { SecretSchema } from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import * as tls from "../../gen/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import * as httpOptions from "../../gen/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import * as httpInputs from "../../gen/proto/envoy/type/matcher/v3/http_inputs_pb.js";

const registry = createRegistry(
  file_envoy_config_bootstrap_v3_bootstrap,
  file_envoy_config_cluster_v3_cluster,
  file_envoy_config_route_v3_route_components,
  fileLog.file_envoy_extensions_access_loggers_file_v3_file,
  streamLog.file_envoy_extensions_access_loggers_stream_v3_stream,
  filterState.file_envoy_extensions_filters_http_set_filter_state_v3_set_filter_state,
  statefulSession.file_envoy_extensions_filters_http_stateful_session_v3_stateful_session,
  cookieSession.file_envoy_extensions_http_stateful_session_cookie_v3_cookie,
  extensionMatcher.file_envoy_extensions_common_matching_v3_extension_matcher,
  skipAction.file_envoy_extensions_filters_common_matcher_action_v3_skip_action,
  httpInputs.file_envoy_type_matcher_v3_http_inputs,
  cel.file_envoy_extensions_formatter_cel_v3_cel,
  withoutQuery.file_envoy_extensions_formatter_req_without_query_v3_req_without_query,
  celFilter.file_envoy_extensions_access_loggers_filters_cel_v3_cel,
  connectionLimit.file_envoy_extensions_filters_network_connection_limit_v3_connection_limit,
  directResponse.file_envoy_extensions_filters_network_direct_response_v3_config,
  tlsInspector.file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector,
  lua.file_envoy_extensions_filters_http_lua_v3_lua,
  ipTagging.file_envoy_extensions_filters_http_ip_tagging_v3_ip_tagging,
  router.file_envoy_extensions_filters_http_router_v3_router,
  httpManager.file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  headerMutation.file_envoy_extensions_http_early_header_mutation_header_mutation_v3_header_mutation,
  headerFilter.file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol,
  headerSocket.file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol,
  quic.file_envoy_extensions_transport_sockets_quic_v3_quic_transport,
  rawBuffer.file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer,
  tls.file_envoy_extensions_transport_sockets_tls_v3_tls,
  udpProxy.file_envoy_extensions_filters_udp_udp_proxy_v3_udp_proxy,
  udpRoute.file_envoy_extensions_filters_udp_udp_proxy_v3_route,
  laterMutation.file_envoy_extensions_filters_http_header_mutation_v3_header_mutation,
  previousHosts.file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts,
  tcpProxy.file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
  leastRequest.file_envoy_extensions_load_balancing_policies_least_request_v3_least_request,
  maglev.file_envoy_extensions_load_balancing_policies_maglev_v3_maglev,
  random.file_envoy_extensions_load_balancing_policies_random_v3_random,
  roundRobin.file_envoy_extensions_load_balancing_policies_round_robin_v3_round_robin,
  httpOptions.file_envoy_extensions_upstreams_http_v3_http_protocol_options,
);

const schemas = [ClusterSchema, ClusterLoadAssignmentSchema, ListenerSchema, RouteConfigurationSchema, SecretSchema];

/** A resource's bytes as JSON. Throws on an unknown type. */
export function resourceJson({ typeUrl, bytes }: { readonly typeUrl: string; readonly bytes: Uint8Array }): object {
  const schema = schemas.find(({ typeName }) => typeUrl.endsWith(`/${typeName}`));
  if (schema === undefined) throw new Error(`no schema for ${typeUrl}`);
  return jsonOf(schema, bytes);
}

/** A bootstrap's bytes as JSON. */
export function bootstrapJson(bytes: Uint8Array): object {
  return jsonOf(BootstrapSchema, bytes);
}

function jsonOf(schema: DescMessage, bytes: Uint8Array): object {
  return toJson(schema, fromBinary(schema, bytes), { registry }) as object;
}
