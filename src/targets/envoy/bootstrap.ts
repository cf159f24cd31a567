/** The file that an Envoy of a fleet starts with: where its configuration comes from, and what our routes need of the process. */
import { isIP } from "node:net";

/** What differs between the bootstraps of two proxies. */
export interface BootstrapOptions {
  /** Becomes `node.cluster`: which fleet the proxy belongs to. */
  readonly fleet: string;
  readonly nodeId: string;
  /** The xDS server, as `127.0.0.1:18000`, `[::1]:18000` or `trimtab.example:18000`. */
  readonly xdsAddress: string;
  /** Envoy's admin interface, as `127.0.0.1:9901`. It can stop the proxy and has no password: keep it on loopback. */
  readonly adminAddress: string;
  /** How Envoy shows who it is, and whom it believes. Null: plaintext. */
  readonly tls?: TlsOptions | null;
}

/** Paths of PEM files as Envoy finds them. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Authorities of the server's certificate. */
  readonly ca: string;
  /** DNS name, IP address or URI that the server's certificate must say. Default: the host of the server's address. */
  readonly serverName?: string | undefined;
  /** Where Envoy finds what `renderSecret` gives: it then takes a new certificate without a restart. */
  readonly secretFile?: string | undefined;
}

/** Name of the secret in that file. */
const SECRET = "trimtab_xds_client";

/**
 * RE2 programs up to this many instructions load; Envoy's default of 100 refuses `[0-9a-f-]{36}`. `inspect` refuses
 * expressions that could come near it.
 */
export const RE2_MAX_PROGRAM_SIZE = 100_000;

const XDS_CLUSTER = "xds_cluster";
const CONNECT_TIMEOUT = "5s";
/** A dead server behind a silent network is noticed within half a minute. */
const KEEPALIVE = { interval: "20s", timeout: "10s" };
/** Tried again at least this often while the server is away; Envoy's default backs off to 30 s. */
const RETRY_BACK_OFF = { base_interval: "0.5s", max_interval: "5s" };

/** JSON text for `envoy -c`. Throws when an address is not `host:port`. */
export function renderBootstrap(options: BootstrapOptions): string {
  const source = { ads: {}, resource_api_version: "V3" };
  const grpc = { envoy_grpc: { cluster_name: XDS_CLUSTER, retry_policy: { retry_back_off: RETRY_BACK_OFF } } };
  const bootstrap = {
    node: { id: options.nodeId, cluster: options.fleet },
    // No access log: an absent one is off.
    admin: { address: socketAddress(options.adminAddress) },
    dynamic_resources: {
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [grpc],
      },
      cds_config: source,
      lds_config: source,
    },
    static_resources: { clusters: [xdsCluster(options.xdsAddress, options.tls ?? null)] },
    layered_runtime: {
      layers: [
        { name: "trimtab", static_layer: { "re2.max_program_size.error_level": RE2_MAX_PROGRAM_SIZE } },
        { name: "admin", admin_layer: {} },
      ],
    },
  };
  return `${JSON.stringify(bootstrap, null, 2)}\n`;
}

/** JSON text of the file that holds Envoy's own certificate as a secret: what stands in a bootstrap itself Envoy reads once only. */
export function renderSecret(tls: TlsOptions): string {
  const type = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
  const secret = { "@type": type, name: SECRET, tls_certificate: ownCertificate(tls) };
  return `${JSON.stringify({ resources: [secret] }, null, 2)}\n`;
}

function ownCertificate({ cert, key }: TlsOptions): object {
  return { certificate_chain: { filename: cert }, private_key: { filename: key } };
}

function certificateSource(tls: TlsOptions): object {
  if (tls.secretFile === undefined) return { tls_certificates: [ownCertificate(tls)] };
  const source = { path_config_source: { path: tls.secretFile }, resource_api_version: "V3" };
  return { tls_certificate_sds_secret_configs: [{ name: SECRET, sds_config: source }] };
}

function xdsCluster(address: string, tls: TlsOptions | null): object {
  const http2 = { explicit_http_config: { http2_protocol_options: { connection_keepalive: KEEPALIVE } } };
  const endpoint = { endpoint: { address: socketAddress(address) } };
  return {
    name: XDS_CLUSTER,
    type: isIP(splitAddress(address).host) === 0 ? "STRICT_DNS" : "STATIC",
    connect_timeout: CONNECT_TIMEOUT,
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        ...http2,
      },
    },
    ...(tls === null ? {} : { transport_socket: tlsSocket(tls, splitAddress(address).host) }),
    load_assignment: { cluster_name: XDS_CLUSTER, endpoints: [{ lb_endpoints: [endpoint] }] },
  };
}

/** Neither side is believed without a certificate, and the server's must say the name: any other of the same authority is no server. */
function tlsSocket(tls: TlsOptions, host: string): object {
  const { ca, serverName } = tls;
  const name = serverName ?? host;
  const sanType = isIP(name) !== 0 ? "IP_ADDRESS" : name.includes("://") ? "URI" : "DNS";
  // What a client may ask for in clear are DNS names only (RFC 6066, section 3).
  const sni = [name, host].find((each) => isIP(each) === 0 && !each.includes("://"));
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      ...(sni === undefined ? {} : { sni }),
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
        alpn_protocols: ["h2"],
        ...certificateSource(tls),
        validation_context: {
          trusted_ca: { filename: ca },
          match_typed_subject_alt_names: [{ san_type: sanType, matcher: { exact: name } }],
        },
      },
    },
  };
}

function socketAddress(address: string): object {
  const { host, port } = splitAddress(address);
  return { socket_address: { address: host, port_value: port } };
}

const MAX_PORT = 65_535;

function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > MAX_PORT) throw new Error(`address ${address} is not host:port`);
  return { host, port };
}
