import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bench, openBench } from "./cliHarness.ts";
import type { DevRunOptions, ServeOptions } from "./program.ts";

let bench: Bench;
const served: ServeOptions[] = [];
const ran: DevRunOptions[] = [];
beforeAll(() => {
  bench = openBench({
    serve: async (options) => {
      served.push(options);
      return 0;
    },
    dev: async (options) => {
      ran.push(options);
      throw new Error("port 8400 is busy\n    at nowhere");
    },
  });
});
afterAll(() => bench.close());

test("--help names every command, the exit codes and an example, and is no error", async () => {
  const { code, out, err } = await bench.run("--help");
  expect([code, err]).toEqual([0, ""]);
  for (const command of ["serve", "dev", "validate", "render", "bootstrap", "diff", "apply", "explain"])
    expect(out).toMatch(new RegExp(`^  ${command} .*\\w`, "m"));
  expect(out).toContain("Exit codes:");
  expect(out).toContain("trimtab validate model.yaml");
  expect(out).not.toContain("undefined");
});

test.each([
  "serve",
  "dev",
  "validate",
  "render",
  "bootstrap",
  "diff",
  "apply",
  "explain",
  "export",
  "status",
  "history",
  "rollback",
])("%s --help: every option has a description", async (command) => {
  const { code, out } = await bench.run(command, "--help");
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^Usage: trimtab ${command} \\[options\\]`));
  expect(out).not.toMatch(/default: (\[\]|false|"")/);
  for (const line of out.split("\n").filter((text) => /^ {2}-/.test(text))) expect(line).toMatch(/ {2}\w/);
});

test("--version prints it", async () => {
  expect(await bench.run("--version")).toMatchObject({ code: 0, out: "1.2.3\n", err: "" });
});

test.each([
  [["frob"], "unknown command 'frob'"],
  [["validate", "--frob", "x"], "unknown option '--frob'"],
  [["validate"], "missing required argument 'paths'"],
  [["dev", "a", "b"], "too many arguments"],
  [["validate", "a", "--format", "xml"], "Allowed choices are text, json, github, sarif"],
  [["render", "a", "-o", "d", "--target", "nginix"], "Allowed choices are envoy, nginx, haproxy. Did you mean nginx?"],
  [["diff", "a", "--forec"], "Did you mean --force?"],
  [["diff", "a", "--format", "html"], "Allowed choices are text, json, markdown"],
  [["render", "a"], "required option '-o, --out <dir>' not specified"],
  [["render", "a", "-o", "d", "--target", "apache"], "Allowed choices are envoy, nginx, haproxy"],
  [["bootstrap"], "required option '--fleet <name>' not specified"],
  [["explain", "--fleet", "a", "--url", "http://a", "--port", "99999"], "It is not a port."],
  [["explain", "--fleet", "a", "--url", "http://a", "--method", "get"], "Methods are upper case"],
  [["explain", "--fleet", "a", "--url", "http://a", "-H", "no colon"], "Write it as `Name: value`."],
  [["bootstrap", "--fleet", "My Fleet"], "A name has lower-case letters"],
  [["render", "a", "-o", ""], "It is empty."],
  [["serve", "--data", ""], "It is empty."],
  [["validat", "x"], "Did you mean validate?"],
  [["apply", "a", "--owner", "my team"], "It has letters and digits"],
  [[], "Usage: trimtab"],
])("%j: says what is wrong, with help, exit 2 (of diff 1); with --json as JSON", async (argv, text) => {
  const wanted = argv[0] === "diff" ? 1 : 2;
  const { code, out, err } = await bench.run(...argv);
  expect([code, out]).toEqual([wanted, ""]);
  expect(err).toContain(text);
  expect(err).toContain("Usage: trimtab");
  const result = await bench.run(...argv, "--json");
  expect([result.code, result.json]).toEqual([wanted, { ok: false, error: expect.stringMatching(/^(?!error)./) }]);
});

test("what diff ends with when there is a difference does not come of a slip", async () => {
  const slips = [["diff"], ["diff", "a", "--frob"], ["diff", "a", "b", "c"], ["--format", "json", "diff", "a", "b"]];
  const conflict = ["diff", "a", "b", "--json", "--format", "markdown"];
  for (const argv of [...slips, conflict]) expect((await bench.run(...argv)).code).toBe(1);
});

test("help for what is no command says what was probably meant", async () => {
  const { code, out, err } = await bench.run("help", "rendre");
  expect([code, out, err.split("\n").slice(0, 2)]).toEqual([
    2,
    "",
    ["error: unknown command 'rendre'", "(Did you mean render?)"],
  ]);
  expect((await bench.run("help", "help")).code).toBe(0);
});

test.each([
  ["serve", "--http", "nonsense"],
  ["serve", "--xds", ":18000"],
  ["serve", "--http", "::1:8400"],
  ["serve", "--http", "[::1]"],
  ["serve", "--http", "[127.0.0.1]:80"],
  ["serve", "--http", "http://127.0.0.1:80"],
  ["serve", "--xds", "127.0.0.1:65536"],
  ["dev", "m.yaml", "--http", "127.0.0.1"],
  ["bootstrap", "--fleet", "edge", "--xds", "nowhere"],
  ["bootstrap", "--fleet", "edge", "--admin", "9901"],
])("%s %s %s: names the flag, what was given and what is expected", async (...argv) => {
  const { code, err } = await bench.run(...argv);
  expect([code, err.split("\n")[0]]).toEqual([
    2,
    `error: option '${argv.at(-2)} <address>' argument '${argv.at(-1)}' is invalid. Write it as host:port, as 127.0.0.1:8400 or [::1]:8400.`,
  ]);
});

test("an address in the environment is told by the variable's name", async () => {
  process.env.TRIMTAB_XDS = "nonsense";
  try {
    expect((await bench.run("serve")).err).toMatch(
      /'--xds <address>' value 'nonsense' from env 'TRIMTAB_XDS' is invalid/,
    );
  } finally {
    delete process.env.TRIMTAB_XDS;
  }
});

test("serve and dev get what flags and environment say; flags win", async () => {
  process.env.TRIMTAB_HTTP = "127.0.0.1:1111";
  process.env.TRIMTAB_XDS = "127.0.0.1:2222";
  try {
    await bench.run("serve", "--xds", "127.0.0.1:3333", "--data", "d", "--api-token-file", "t");
  } finally {
    delete process.env.TRIMTAB_HTTP;
    delete process.env.TRIMTAB_XDS;
  }
  expect(served).toEqual([
    {
      data: "d",
      memoryLimit: 2 ** 31,
      http: "127.0.0.1:1111",
      xds: "127.0.0.1:3333",
      apiTokenFile: "t",
      logLevel: "info",
    },
  ]);
});

test("the log's format and level come from flags or environment, and must be ones that there are", async () => {
  served.length = 0;
  process.env.TRIMTAB_LOG_LEVEL = "error";
  try {
    await bench.run("serve", "--log-format", "text", "--metrics-token-file", "m");
    await bench.run("dev", "m.yaml", "--log-level", "debug");
  } finally {
    delete process.env.TRIMTAB_LOG_LEVEL;
  }
  expect(served).toMatchObject([{ logFormat: "text", logLevel: "error", metricsTokenFile: "m" }]);
  expect(ran.at(-1)).toMatchObject({ logLevel: "debug" });
  expect(await bench.run("serve", "--log-format", "xml")).toMatchObject({
    code: 2,
    err: expect.stringContaining("text, json"),
  });
  expect(await bench.run("serve", "--log-level", "loud")).toMatchObject({ code: 2 });
  ran.length = 0;
});

test("serve gets what secures the xDS port; plaintext beyond loopback is never said by the environment", async () => {
  process.env.TRIMTAB_XDS_TLS_CLIENT_CA = "ca.pem";
  process.env.TRIMTAB_XDS_INSECURE = "1";
  served.length = 0;
  try {
    await bench.run("serve", "--xds-tls-cert", "c.pem", "--xds-tls-key", "k.pem");
    await bench.run("serve", "--xds-insecure");
  } finally {
    delete process.env.TRIMTAB_XDS_TLS_CLIENT_CA;
    delete process.env.TRIMTAB_XDS_INSECURE;
  }
  expect(served).toMatchObject([
    { xdsTlsCert: "c.pem", xdsTlsKey: "k.pem", xdsTlsClientCa: "ca.pem" },
    { xdsInsecure: true },
  ]);
  expect(served[0]).not.toHaveProperty("xdsInsecure");
  expect(await bench.run("serve", "--xds-tls-cert", "")).toMatchObject({ code: 2 });
});

test("what a command throws is one line on standard error, no stack trace, exit 1", async () => {
  expect(await bench.run("dev", "m.yaml", "--port", "1=2")).toMatchObject({
    code: 1,
    out: "",
    err: "trimtab: port 8400 is busy at nowhere\n",
  });
  expect(ran).toEqual([expect.objectContaining({ file: "m.yaml", port: "1=2", bind: "", http: "127.0.0.1:8400" })]);
});

test("bootstrap prints JSON with the fleet, the node and the addresses", async () => {
  const { code, json } = await bench.run(
    ...["bootstrap", "--fleet", "edge", "--node-id", "n1", "--xds", "10.0.0.9:18001", "--admin", "127.0.0.1:9999"],
  );
  expect(code).toBe(0);
  expect(json.node).toEqual({ id: "n1", cluster: "edge" });
  expect(json.admin.address.socket_address).toEqual({ address: "127.0.0.1", port_value: 9999 });
  expect(JSON.stringify(json.static_resources)).toContain('{"address":"10.0.0.9","port_value":18001}');
  expect(json.dynamic_resources.ads_config.api_type).toBe("DELTA_GRPC");
  expect((await bench.run("bootstrap", "--fleet", "edge", "--json")).json.node.cluster).toBe("edge");
  expect((await bench.run("bootstrap", "--fleet", "edge", "--xds", "trimtab.example:0")).code).toBe(2);
  expect((await bench.run("bootstrap", "--fleet", "edge", "--xds", "[::1]:18000")).code).toBe(0);
});

test("bootstrap with certificates: Envoy shows its own and believes only who says the server's name", async () => {
  const tls = ["--tls-cert", "/etc/envoy/tls.crt", "--tls-key", "/etc/envoy/tls.key", "--tls-ca", "/etc/envoy/ca.crt"];
  const socketOf = async (...more: string[]) => {
    const { code, json, err } = await bench.run("bootstrap", "--fleet", "edge", ...tls, ...more);
    expect([code, err]).toEqual([0, ""]);
    const { name, typed_config } = json.static_resources.clusters[0].transport_socket;
    expect(name).toBe("envoy.transport_sockets.tls");
    return typed_config;
  };
  const named = await socketOf("--xds", "trimtab.example:18000");
  expect(named.sni).toBe("trimtab.example");
  expect(named.common_tls_context).toEqual({
    tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
    alpn_protocols: ["h2"],
    tls_certificates: [
      { certificate_chain: { filename: "/etc/envoy/tls.crt" }, private_key: { filename: "/etc/envoy/tls.key" } },
    ],
    validation_context: {
      trusted_ca: { filename: "/etc/envoy/ca.crt" },
      match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: "trimtab.example" } }],
    },
  });
  const san = ({ sni, common_tls_context: { validation_context } }: Awaited<ReturnType<typeof socketOf>>) => {
    const [{ san_type, matcher }] = validation_context.match_typed_subject_alt_names;
    return [sni, san_type, matcher.exact];
  };
  expect(san(await socketOf("--xds", "[::1]:18000"))).toEqual([undefined, "IP_ADDRESS", "::1"]);
  expect(san(await socketOf("--xds", "10.0.0.9:1", "--tls-server-name", "t.example"))).toEqual([
    "t.example",
    "DNS",
    "t.example",
  ]);
  const { common_tls_context: watched } = await socketOf("--tls-secret", "/etc/envoy/secret.json");
  expect(watched.tls_certificates).toBeUndefined();
  const [{ name, sds_config }] = watched.tls_certificate_sds_secret_configs;
  expect(sds_config.path_config_source).toEqual({ path: "/etc/envoy/secret.json" });
  const secret = (await bench.run("bootstrap", "--fleet", "edge", ...tls, "--print-secret")).json;
  expect(secret.resources).toEqual([
    {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
      name,
      tls_certificate: named.common_tls_context.tls_certificates[0],
    },
  ]);
  const spiffe = "spiffe://example.org/trimtab";
  expect(san(await socketOf("--xds", "t.example:1", "--tls-server-name", spiffe))).toEqual([
    "t.example",
    "URI",
    spiffe,
  ]);
  expect((await bench.run("bootstrap", "--fleet", "edge")).json.static_resources.clusters[0]).not.toHaveProperty(
    "transport_socket",
  );
});

test.each([
  [["--tls-cert", "c", "--tls-key", "k"], 1, "--tls-cert, --tls-key and --tls-ca go together"],
  [["--tls-server-name", "trimtab.example"], 1, "--tls-cert, --tls-key and --tls-ca go together"],
  [["--tls-server-name", "*.example"], 2, "Write a DNS name, an IP address or a URI"],
  [["--tls-ca", ""], 2, "It is empty."],
  [["--tls-secret", "s.json"], 1, "--tls-cert, --tls-key and --tls-ca go together"],
  [["--print-secret"], 1, "--print-secret needs --tls-cert"],
])("bootstrap %j is refused: it would believe anybody, or nobody", async (argv, code, text) => {
  const result = await bench.run("bootstrap", "--fleet", "edge", ...argv);
  expect([result.code, result.out]).toEqual([code, ""]);
  expect(result.err).toContain(text);
});
