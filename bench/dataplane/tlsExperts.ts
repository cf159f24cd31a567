/** Hand-written files that end TLS: the usual ones, and what `expert/tls/` adds to them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProxyName } from "./aims.ts";
import { change } from "./experts.ts";
import { expertFolder } from "./places.ts";
import { PAIR } from "./tls.ts";

/** What whoever ends TLS by hand changes in the file: FRAGMENT stands for `expert/tls/PROXY`, FOLDER for where the files are. */
type Change = readonly [file: string, text: string | RegExp, by: string];

const CHANGES: Readonly<Record<ProxyName, readonly Change[]>> = {
  nginx: [
    ["nginx.conf", /listen 127\.0\.0\.1:8080/g, "$& ssl http2"],
    ["nginx.conf", "default_server;\n", "$&    ssl_reject_handshake on;\n"],
    ["nginx.conf", /return 301 http:/g, "return 301 https:"],
    ["nginx.conf", "  server_tokens off;\n", "$&FRAGMENT"],
    [
      "nginx.conf",
      '  map "$bad_path$bad_host$bad_method$bad_beta" $bad {',
      '  map "$bad_path$bad_host$bad_method$bad_beta$bad_hop" $bad {',
    ],
    ["guards.conf", "error_page 404 @not-found;\n", "error_page 497 @closed;\nlocation @closed { return 444; }\n$&"],
  ],
  haproxy: [
    ["haproxy.cfg", "bind 127.0.0.1:8080", "$& FRAGMENT"],
    ["haproxy.cfg", "  option disable-h2-upgrade\n", ""],
    ["haproxy.cfg", "global\n", "$&  tune.h2.max-concurrent-streams 100\n"],
    ["haproxy.cfg", "x-forwarded-proto http\n", "x-forwarded-proto https\n"],
    ["haproxy.cfg", 'hdr location "http:', 'hdr location "https:'],
  ],
  envoy: [
    ["envoy.yaml", "      filter_chains:\n        - filters:\n", "FRAGMENT"],
    [
      "envoy.yaml",
      "codec_type: HTTP1\n",
      "codec_type: AUTO\n                http2_protocol_options: {max_concurrent_streams: 100, " +
        "initial_stream_window_size: 65535, initial_connection_window_size: 6553500}\n",
    ],
  ],
};

/** Makes the file of a folder end TLS. */
export function endTls(proxy: ProxyName, folder: string): void {
  const certificates = join(folder, "certificates");
  mkdirSync(certificates);
  for (const [name, { chain, privateKey }] of Object.entries(PAIR)) {
    // HAProxy reads both from one file, and every file of the folder.
    writeFileSync(join(certificates, `${name}.pem`), proxy === "haproxy" ? chain + privateKey : chain);
    if (proxy !== "haproxy") writeFileSync(join(certificates, `${name}.key`), privateKey);
  }
  const fragment = readFileSync(join(expertFolder, "tls", proxy), "utf8").replaceAll("FOLDER", folder);
  const inserted = proxy === "haproxy" ? fragment.trimEnd() : fragment;
  for (const [file, place, by] of CHANGES[proxy])
    change(
      join(folder, file),
      place,
      by.replace("FRAGMENT", () => inserted.replaceAll("$", () => "$$")),
    );
}
