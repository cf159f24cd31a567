import { type Explanation, explain as explainOffline } from "../../compiler/index.ts";
import { type ServerOptions, send } from "../client.ts";
import { loadModel } from "../offline.ts";
import { EXIT, type Io, jsonText, printProblems, table } from "../output.ts";

export interface ExplainOptions {
  /** Model file; undefined: ask the server. */
  readonly file: string | undefined;
  readonly server: ServerOptions;
  readonly fleet: string;
  readonly port: number | undefined;
  readonly method: string;
  /** As `http://host/path?query`. */
  readonly url: string;
  /** As `Name: value`. */
  readonly headers: readonly string[];
  readonly json: boolean;
}

/** `trimtab explain`: which rule takes a request, where it goes, and why the others lost. */
export async function explain(io: Io, options: ExplainOptions): Promise<number> {
  const target = /^http:\/\/([^/?#]*)([^#]*)$/.exec(options.url);
  if (target === null) {
    io.err(`${options.url} is not a URL like http://host/path\n`);
    return EXIT.failed;
  }
  const [, host = "", path = ""] = target;
  const headers = options.headers.map((line) => splitHeader(line));
  const { fleet, method, port } = options;
  const request = {
    fleet,
    method,
    host,
    path: path.startsWith("/") ? path : `/${path}`,
    headers,
    ...(port === undefined ? {} : { port }),
  };
  let told: Explanation | null;
  if (options.file === undefined) {
    const { status, body } = await send(options.server, { method: "POST", path: "/v1/explain", body: request });
    if (status !== 200) {
      io.err(`the server answered ${status}: ${JSON.stringify(body)}\n`);
      return EXIT.failed;
    }
    told = body as Explanation;
  } else {
    const { compiled, problems } = await loadModel(options.file);
    if (compiled === null) return printProblems(io, problems, options.json);
    const ir = compiled.fleets.get(fleet);
    told = ir === undefined ? null : explainOffline(ir, request);
  }
  if (told === null) {
    io.err(
      `there is no fleet ${JSON.stringify(fleet)} with ${port === undefined ? "exactly one HTTP port" : `an HTTP port ${port}`}\n`,
    );
    return EXIT.failed;
  }
  io.out(options.json ? jsonText(told) : explanationText(told));
  return EXIT.ok;
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(":");
  return colon < 0 ? [line.trim(), ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function explanationText({ host, virtualHost, outcome, rules }: Explanation): string {
  const rows = rules.map(({ route, rule, match, verdict, reason }) => [
    verdict === "wins" ? "->" : "",
    route,
    rule,
    match,
    reason,
  ]);
  return `${host} is served by ${virtualHost ?? "no virtual host"}\n${outcomeText(outcome)}\n${rows.length > 0 ? table([["", "route", "rule", "match", "why"], ...rows]) : ""}`;
}

function outcomeText(outcome: Explanation["outcome"]): string {
  if (outcome.kind === "error") return `answered ${outcome.status}: ${outcome.reason}`;
  if (outcome.kind === "respond") return `answered ${outcome.status} directly`;
  if (outcome.kind === "redirect") return `redirected (${outcome.status}) to ${outcome.location}`;
  return `forwarded as ${outcome.path} to ${outcome.split.map(({ cluster, sharePercent }) => `${cluster} (${sharePercent.toFixed(1)} %)`).join(", ")}`;
}
