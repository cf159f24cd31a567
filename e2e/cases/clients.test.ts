/**
 * Clients in two languages, generated from what the running server says of itself, do everything that the API can; redocly finds
 * nothing to say. What `clients/typescript.ts` and `clients/python.py` do is what their users would.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { freePort } from "../harness/ports.ts";
import { type Program, repositoryRoot, startProgram, stopProgram } from "../harness/program.ts";

const run = promisify(execFile);

/** What set-up fetched, see `src/tooling/setup/clients.mjs`. */
const tools = join(repositoryRoot, ".trimtab/clients");
const sources = join(repositoryRoot, "e2e/clients");
/** A generator, a compiler and the program: seconds, but on two cores that do much else. */
const GENERATE_MS = 120_000;
const TOKEN = "a-token-of-thirty-two-characters!";

let dir: string;
const programs: Program[] = [];
/** One for each language, with a token. */
let closed: readonly [Program, Program];
/** Without. */
let open: Program;

beforeAll(async () => {
  dir = await mkdtemp(join(e2e().workDir, "clients-"));
  await writeFile(join(dir, "token"), `${TOKEN}\n`, { mode: 0o600 });
  // Packages are found from here as from a user's project.
  await symlink(join(tools, "node_modules"), join(dir, "node_modules"));
  await writeFile(join(dir, "package.json"), '{ "type": "module" }');
  const token = ["--api-token-file", join(dir, "token")];
  closed = [await start("typescript", token), await start("python", token)];
  open = await start("open", []);
});
afterAll(async () => {
  for (const program of programs) await stopProgram(program);
});

/** An empty server; the description that it gives stands in `NAME.json`. */
async function start(name: string, more: readonly string[]): Promise<Program> {
  const dataDir = join(dir, name);
  await mkdir(dataDir);
  const ports = { httpPort: await freePort(), xdsPort: await freePort() };
  const program = await startProgram({ ...ports, dataDir, logFile: join(dir, `${name}.log`), more });
  programs.push(program);
  await writeFile(join(dir, `${name}.json`), (await must(program.api, "GET /openapi.json")).text);
  return program;
}

const environment = (program: Program): NodeJS.ProcessEnv => ({
  ...process.env,
  TRIMTAB_SERVER: program.api,
  TRIMTAB_TOKEN: TOKEN,
});

/** A command in the case's folder; what it printed. A failure is an exception that shows its errors. */
async function inFolder(command: readonly [string, ...string[]], env = process.env): Promise<string> {
  const [program, ...args] = command;
  const { stdout } = await run(program, args, { cwd: dir, env });
  return stdout;
}

it("TypeScript: openapi-typescript and openapi-fetch", { timeout: GENERATE_MS }, async () => {
  await copyFile(join(sources, "typescript.ts"), join(dir, "typescript.ts"));
  await inFolder([
    process.execPath,
    "node_modules/openapi-typescript/bin/cli.js",
    "typescript.json",
    "-o",
    "trimtab.ts",
  ]);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2024",
    lib: ["ES2024", "DOM"],
    module: "nodenext",
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [join(repositoryRoot, "node_modules/@types")],
  };
  await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["typescript.ts"] }));
  await inFolder([join(repositoryRoot, "node_modules/.bin/tsc"), "-p", "tsconfig.json"]);
  await inFolder([process.execPath, "typescript.ts"], environment(closed[0]));
});

it("Python: openapi-python-client", { timeout: GENERATE_MS }, async () => {
  const lib = join(tools, "python/lib");
  // Of a virtual environment or of a plain folder, as set-up could have it.
  const folders = (await readdir(lib)).map((python) => join(lib, python, "site-packages"));
  const env = { ...environment(closed[1]), PYTHONPATH: [dir, ...folders, lib].join(":") };
  const config = ["--config", join(sources, "openapi-python-client.yaml"), "--fail-on-warning"];
  const output = ["--meta", "none", "--output-path", "trimtab_client"];
  await inFolder(
    ["python3", "-m", "openapi_python_client", "generate", "--path", "python.json", ...output, ...config],
    env,
  );
  await copyFile(join(sources, "python.py"), join(dir, "python.py"));
  await inFolder(["python3", "python.py"], env);
});

/** A private key is sealed when it is read. */
function sealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sealed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      key === "privateKey" ? expect.stringMatching(/^sealed:privateKey:/) : sealed(entry),
    ]),
  );
}

it("the examples of the description are what the server takes, and what it answers", async () => {
  const { api } = open;
  const { paths } = (await must(api, "GET /openapi.json")).json;
  const exampleOf = (path: string, method: string, type = "application/json"): unknown =>
    paths[path][method].requestBody.content[type].example;
  const answerOf = (path: string, method = "get"): unknown =>
    paths[path][method].responses[200].content["application/json"].example;

  const yaml = exampleOf("/v1/config", "put", "application/yaml");
  const written = await must(api, "PUT /v1/config", { body: yaml, headers: { "content-type": "application/yaml" } });
  expect(written.json).toEqual({ ...(answerOf("/v1/config", "put") as object), revision: 1 });
  const config = (await must(api, "GET /v1/config")).json;
  expect(config).toEqual(sealed(exampleOf("/v1/config", "put")));

  for (const collection of Object.keys(config)) {
    const all = `/v1/${collection}`;
    const one = `${all}/{name}`;
    const name = config[collection][0].name;
    expect((await must(api, `GET ${all}`)).json).toEqual(sealed(answerOf(all)));
    expect((await must(api, `GET ${all}/${name}`)).json).toEqual(sealed(answerOf(one)));
    await must(api, `PUT ${all}/${name}?dryRun=true`, { body: exampleOf(one, "put") });
    const body = exampleOf(one, "patch", "application/merge-patch+json");
    await must(api, `PATCH ${all}/${name}?dryRun=true`, { body });
  }
  await must(api, "POST /v1/config/apply?dryRun=true", { body: exampleOf("/v1/config/apply", "post") });
  const explained = await must(api, "POST /v1/explain", { body: exampleOf("/v1/explain", "post") });
  expect(explained.json).toEqual(answerOf("/v1/explain", "post"));
});

it("redocly has nothing to say: of a server with token, of one without, of the committed description", async () => {
  const committed = join(repositoryRoot, "docs/reference/openapi.json");
  const files = ["typescript.json", "open.json", committed];
  // It asks nobody on the network.
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const output = await inFolder(["node_modules/.bin/redocly", "lint", "--format", "json", ...files], env);
  // One report after another.
  const reports = output.split(/(?<=^\})/m).map((report) => JSON.parse(report));
  const clean = { totals: { errors: 0, warnings: 0, ignored: 0 }, version: expect.any(String), problems: [] };
  expect(reports).toEqual(files.map(() => clean));
});
