/** Part `features`: what load balancing costs a request, beside hand-written files with the same features. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProxyName } from "./aims.ts";
import type { Probe } from "./cases.ts";
import { CASES } from "./cases.ts";
import { compare } from "./comparing.ts";
import { change } from "./experts.ts";
import { cookieOf, featureProbes, featuresModel, featureVariants, PROXY_HEADER, proxiedModel } from "./features.ts";
import type { Options } from "./options.ts";
import { expertFolder } from "./places.ts";
import type { ProxyKind } from "./proxies.ts";
import type { Row } from "./report.ts";
import { expertSide, generatedSide } from "./sides.ts";
import type { Place } from "./workplace.ts";

/** What a hand-written part says, and where it goes in the file: before a line, or at its end. */
interface Insertion {
  readonly file: string;
  readonly part: string;
  readonly before?: string;
}

const INSERTIONS: Readonly<Record<ProxyName, readonly Insertion[]>> = {
  nginx: [
    { file: "nginx.conf", part: "upstreams.conf", before: "  upstream blue {\n" },
    { file: "nginx.conf", part: "locations.conf", before: "    location = /catalog {" },
  ],
  haproxy: [
    { file: "haproxy.cfg", part: "backends.cfg" },
    { file: "maps/prefix.map", part: "prefix.map" },
    { file: "maps/backends.map", part: "backends.map" },
  ],
  envoy: [
    { file: "envoy.yaml", part: "filters.yaml", before: "                  - name: envoy.filters.http.router\n" },
    {
      file: "envoy.yaml",
      part: "routes.yaml",
      before: "                        - match: {path_separated_prefix: /catalog}\n",
    },
    { file: "envoy.yaml", part: "clusters.yaml" },
  ],
};

/** Every listener of the file expects a PROXY header. */
const PROXIED: Readonly<Record<ProxyName, readonly (readonly [file: string, text: string | RegExp, by: string])[]>> = {
  nginx: [
    ["nginx.conf", /listen 127\.0\.0\.1:8080/g, "$& proxy_protocol"],
    ["nginx.conf", "  server_tokens off;\n", "$&  set_real_ip_from 127.0.0.0/8;\n  real_ip_header proxy_protocol;\n"],
  ],
  haproxy: [["haproxy.cfg", "bind 127.0.0.1:8080", "$& accept-proxy"]],
  envoy: [
    [
      "envoy.yaml",
      "      filter_chains:\n",
      "      listener_filters:\n        - name: envoy.filters.listener.proxy_protocol\n          typed_config:\n" +
        '            "@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol\n$&',
    ],
  ],
};

/** Rows of one proxy. Throws when the configurations differ in what they do. */
export async function featuresPart(proxy: ProxyKind, options: Options, place: Place): Promise<readonly Row[]> {
  const [expert] = proxy.experts;
  if (expert === undefined) throw new Error(`${proxy.name} has no hand-written file`);
  const part = "features";
  const what = "load balancing";
  const probes = featureProbes(proxy.name, place.upstreams);
  const rows = await compare({
    part,
    what,
    options,
    place,
    expert: await expertSide(
      proxy,
      { ...expert, name: "expert", grow: (folder) => insert(proxy.name, folder, place) },
      place,
    ),
    generated: await generatedSide(proxy, { name: "generated", text: featuresModel(proxy.name) }, place),
    questions: probes.map((probe) => ({ name: probe.name, probe })),
    variants: [...probes, ...featureVariants(proxy.name, place.upstreams)],
  });
  const own = { ...expert, name: "expert, PROXY", grow: (folder: string) => expectHeader(proxy.name, folder) };
  const text = proxiedModel(proxy.name);
  const more = await compare({
    part,
    what,
    options,
    place,
    expert: { ...(await expertSide(proxy, own, place)), opening: PROXY_HEADER },
    generated: {
      ...(await generatedSide(proxy, { name: "generated, PROXY", text }, place)),
      opening: PROXY_HEADER,
    },
    questions: [{ name: "PROXY in", probe: CASES[0] as Probe }],
    variants: [],
  });
  return [...rows, ...more];
}

export function insert(proxy: ProxyName, folder: string, { upstreams }: Place): void {
  for (const { file, part, before } of INSERTIONS[proxy]) {
    const lines = readFileSync(join(expertFolder, "features", proxy, part), "utf8")
      .replaceAll("COOKIE_BLUE", cookieOf(upstreams.blue))
      .replaceAll("COOKIE_GREEN", cookieOf(upstreams.green));
    if (before === undefined) appendFileSync(join(folder, file), lines);
    else change(join(folder, file), before, `${lines.replaceAll("$", "$$$$")}$&`);
  }
}

function expectHeader(proxy: ProxyName, folder: string): void {
  for (const [file, text, by] of PROXIED[proxy]) change(join(folder, file), text, by);
}
