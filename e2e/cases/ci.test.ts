/**
 * docs/ci.md word for word: the commands of its pipelines, run by a shell as a runner does, with the built program. What belongs to
 * the services (npm, git, gh, curl) is a script here that writes down how it was called.
 */
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { must } from "../harness/api.ts";
import { e2e } from "../harness/context.ts";
import { freePort } from "../harness/ports.ts";
import { type Program, programEntry, repositoryRoot, startProgram, stopProgram } from "../harness/program.ts";

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly env?: Record<string, string>;
        readonly steps: readonly { readonly name?: string; readonly run?: string }[];
      }
    >
  >;
}

interface Result {
  readonly code: number;
  readonly out: string;
}

const EDGE = `fleets:
  - {name: web, proxy: nginx}
  - {name: pull, proxy: envoy}
listeners:
  - {name: http, fleets: [web, pull], port: 8080, protocol: HTTP}
`;
const SHOP = `clusters:
  - {name: blue, endpoints: [{address: 10.0.0.1, port: 80}]}
routes:
  - {name: shop, listeners: [http], hostnames: [shop.example], rules: [{split: [{cluster: blue}]}]}
`;

let github: Workflow;
let githubApply: Workflow;
let gitlab: Readonly<Record<string, { readonly script: readonly string[] }>>;
let program: Program;

beforeAll(async () => {
  const page = await readFile(join(repositoryRoot, "docs/ci.md"), "utf8");
  const documents = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => parse(text as string));
  [github, githubApply, gitlab] = documents as [Workflow, Workflow, typeof gitlab];
  const dataDir = await mkdtemp(join(e2e().workDir, "ci-data-"));
  const [httpPort, xdsPort] = [await freePort(), await freePort()];
  program = await startProgram({ dataDir, httpPort, xdsPort, logFile: join(dataDir, "..", "ci.log") });
});
afterAll(() => stopProgram(program));

/** A checkout, and what a runner has beside it; `calls` has a line for each call of a service's program. */
async function workspace(
  shop: string,
): Promise<{ dir: string; env: Record<string, string>; token: string; calls: () => Promise<string> }> {
  const dir = await mkdtemp(join(e2e().workDir, "ci-"));
  const files = {
    "lb/edge.yaml": EDGE,
    "lb/teams/shop.yaml": shop,
    "old/lb/edge.yaml": EDGE,
    "old/lb/shop.yaml": SHOP,
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  const bin = join(dir, ".bin");
  const scripts = {
    trimtab: `exec "${process.execPath}" "${programEntry()}" "$@"`,
    node: `exec "${process.execPath}" "$@"`,
    npm: 'echo "npm $*" >> "$CALLS"',
    gh: 'echo "gh $*" >> "$CALLS"; test -s diff.md',
    curl: 'echo "curl $*" >> "$CALLS"; test -s diff.md',
    git: 'echo "git $*" >> "$CALLS"; if [ "$1" = worktree ]; then cp -r old base; fi',
  };
  await mkdir(bin);
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const calls = join(dir, ".calls");
  // As GitLab writes a variable of the type File.
  const token = join(dir, ".token");
  await writeFile(token, "any-token-of-thirty-two-characters", { mode: 0o666 });
  await chmod(token, 0o666);
  await writeFile(calls, "");
  const env = {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: dir,
    CALLS: calls,
    GITHUB_STEP_SUMMARY: join(dir, ".summary"),
    PULL_REQUEST: "7",
    GITHUB_ACTOR: "ann",
    GITLAB_USER_LOGIN: "bob",
    GITHUB_SHA: "abc123",
    CI_COMMIT_SHA: "def456",
    CI_API_V4_URL: "https://gitlab.example/api/v4",
    CI_PROJECT_ID: "1",
    CI_MERGE_REQUEST_IID: "2",
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main",
    TRIMTAB_SERVER: program.api,
    TRIMTAB_TOKEN: "any-token-of-thirty-two-characters",
  };
  return { dir, env, token, calls: () => readFile(calls, "utf8") };
}

/** As GitHub runs a step, and GitLab the lines of a script: the first failure ends it. */
function shell(dir: string, env: Record<string, string>, lines: string): Promise<Result> {
  return new Promise((resolve) => {
    execFile("bash", ["-eo", "pipefail", "-c", lines], { cwd: dir, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out: stdout + stderr });
    });
  });
}

/** The steps of a job until the first that fails, by name. */
async function steps(workflow: Workflow, job: string, at: { dir: string; env: Record<string, string> }) {
  const results: Record<string, Result> = {};
  for (const { name = "", run } of workflow.jobs[job]?.steps ?? []) {
    if (run === undefined) continue;
    const result = await shell(at.dir, at.env, run);
    results[name] = result;
    if (result.code !== 0) break;
  }
  return results;
}

describe("GitHub", () => {
  it("a change that is good: compared, commented, rendered", async () => {
    const at = await workspace(SHOP.replace("10.0.0.1", "10.0.0.2"));
    await cp(join(at.dir, "old"), join(at.dir, "base"), { recursive: true });
    const results = await steps(github, "check", at);
    expect(Object.entries(results).map(([name, { code }]) => [name, code])).toEqual(
      ["Install", "Check", "Compare", "Comment", "Render"].map((name) => [name, 0]),
    );
    expect(results.Check?.out).toBe("");
    expect(await readFile(join(at.dir, ".summary"), "utf8")).toContain(
      '/endpoints/0/address: "10.0.0.1" -> "10.0.0.2"',
    );
    expect(await at.calls()).toContain("gh pr comment 7 --edit-last --create-if-none --body-file diff.md\n");
    expect((await readdir(join(at.dir, "rendered"))).sort()).toEqual(["pull", "web"]);
  });

  it("an error, and a warning: annotations at the line, and nothing after the check", async () => {
    const broken = await workspace(SHOP.replace("cluster: blue", "cluster: bleu"));
    const results = await steps(github, "check", broken);
    expect([Object.keys(results), results.Check?.code]).toEqual([["Install", "Check"], 1]);
    expect(results.Check?.out).toMatch(
      /^::error file=lb\/teams\/shop\.yaml,line=4,col=\d+,title=MODEL-REFERENCE::.*did you mean "blue"\?\n$/,
    );
    const warned = await workspace(`${SHOP}healthChecks: [{name: idle, type: tcp}]\n`);
    const { Check } = await steps(github, "check", warned);
    expect([Check?.code, Check?.out]).toEqual([
      3,
      expect.stringMatching(/^::warning file=lb\/teams\/shop\.yaml,line=5,.*LINT-UNUSED/),
    ]);
  });

  it("what is merged is applied, and the job waits until the fleets have it", async () => {
    const at = await workspace(SHOP);
    const { env = {} } = githubApply.jobs.apply ?? { steps: [] };
    const results = await steps(githubApply, "apply", { ...at, env: { ...env, ...at.env } });
    expect([results.Apply?.code, results.Apply?.out]).toEqual([0, expect.stringMatching(/^web +current +1 /m)]);
    const { json } = await must(program.api, "GET /v1/revisions?limit=1");
    expect(json.items[0]).toMatchObject({ author: "ann", message: "abc123" });
  });
});

describe("GitLab", () => {
  it("the check, with the comment and the rendered files; then what is merged", async () => {
    const at = await workspace(SHOP.replace("10.0.0.1", "10.0.0.3"));
    const check = await shell(at.dir, at.env, (gitlab.check?.script ?? []).join("\n"));
    expect(check.code, check.out).toBe(0);
    expect(await readFile(join(at.dir, "diff.md"), "utf8")).toContain('"10.0.0.1" -> "10.0.0.3"');
    expect(await at.calls()).toContain(
      "--form body=<diff.md https://gitlab.example/api/v4/projects/1/merge_requests/2/notes\n",
    );
    expect(await readdir(join(at.dir, "rendered"))).toEqual(["web"]);
    const apply = await shell(
      at.dir,
      { ...at.env, TRIMTAB_TOKEN_FILE: at.token },
      (gitlab.apply?.script ?? []).join("\n"),
    );
    expect(apply.code, apply.out).toBe(0);
    expect((await must(program.api, "GET /v1/clusters/blue")).json.endpoints[0].address).toBe("10.0.0.3");
  });
});
