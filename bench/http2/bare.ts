/** Listeners as they are when nothing is said: what a person writes first, with the proxy's own defaults. */
import type { ProxyKind } from "../../src/ir/index.ts";
import type { RenderedFiles } from "../../src/targets/target.ts";

/** Where it listens, in the clear and in TLS, and where requests go. */
export interface BareView {
  readonly address: string;
  readonly clear: number;
  readonly tls: number;
  readonly endpoint: number;
  /** A PEM file with chain and private key. */
  readonly certificate: string;
}

type Bare = { readonly kind: "bootstrap"; readonly text: string } | RenderedFiles;

/** One configuration for each proxy. */
export const BARE: Readonly<Record<ProxyKind, (view: BareView) => Bare>> = { envoy, nginx, haproxy };

function files(texts: Readonly<Record<string, string>>): RenderedFiles {
  const all = Object.entries(texts).map(([path, text]) => ({ path, text, mode: 0o600 }));
  return { kind: "files", files: all, generation: "bare", sockets: [] };
}

function nginx({ address, clear, tls, endpoint, certificate }: BareView): Bare {
  const location = `location / { proxy_pass http://127.0.0.1:${endpoint}; }`;
  return files({
    "nginx.conf": `
events {}
http {
  access_log off;
  server { listen ${address}:${clear} http2; ${location} }
  server {
    listen ${address}:${tls} ssl http2;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificate};
    ${location}
  }
}
`,
  });
}

function haproxy({ address, clear, tls, endpoint, certificate }: BareView): Bare {
  return files({
    "haproxy.cfg": `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend clear
  bind ${address}:${clear} proto h2
  default_backend one
frontend tls
  bind ${address}:${tls} ssl crt ${certificate} alpn h2,http/1.1
  default_backend one
backend one
  server one 127.0.0.1:${endpoint}
`,
  });
}

function envoy({ address, clear, tls, endpoint, certificate }: BareView): Bare {
  const types = "type.googleapis.com/envoy";
  const socket = (port: number, at = address) => ({ socket_address: { address: at, port_value: port } });
  const manager = {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${types}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "bare",
      route_config: {
        virtual_hosts: [
          { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "one" } }] },
        ],
      },
      http_filters: [
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": `${types}.extensions.filters.http.router.v3.Router` },
        },
      ],
    },
  };
  const transport = {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${types}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1"],
        tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: certificate } }],
      },
    },
  };
  const load = {
    cluster_name: "one",
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(endpoint, "127.0.0.1") } }] }],
  };
  const text = JSON.stringify({
    static_resources: {
      listeners: [
        { name: "clear", address: socket(clear), filter_chains: [{ filters: [manager] }] },
        { name: "tls", address: socket(tls), filter_chains: [{ filters: [manager], transport_socket: transport }] },
      ],
      clusters: [{ name: "one", type: "STATIC", load_assignment: load }],
    },
  });
  return { kind: "bootstrap", text };
}
