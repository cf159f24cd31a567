import {
  type Compiled,
  type ExplainRequest,
  type Explanation,
  explain as explainOffline,
} from "../../compiler/index.ts";
import { isObject, refusalText, type ServerOptions, send } from "../client.ts";
import { loadModel } from "../offline.ts";
import { EXIT, type Io, jsonText, printProblems, table } from "../output.ts";

/** Name and value of a request header. */
export type Header = readonly [string, string];

/** Whom to ask about which request. */
export interface ExplainOptions {
  /** Model file; undefined: ask the server. */
  readonly file: string | undefined;
  readonly server: ServerOptions;
  readonly fleet: string;
  readonly port: number | undefined;
  readonly method: string;
  /** As `http://host/path?query`. */
  readonly url: string;
  readonly headers: readonly Header[];
  readonly json: boolean;
}

/** `trimtab explain`: which rule takes a request, where it goes, and why the others lost. */
export async function explain(io: Io, options: ExplainOptions): Promise<number> {
  const request = requestOf(options);
  let told: Explanation;
  if (options.file === undefined) told = await askServer(options.server, request);
  else {
    const { compiled, problems } = await loadModel(options.file);
    if (compiled === null) return printProblems(io, problems, options.json);
    told = explainHere(compiled, request);
  }
  io.out(options.json ? jsonText(told) : explanationText(told));
  return EXIT.ok;
}

/** A `Host` header stands above the URL's host, as in curl. */
function requestOf({ fleet, method, port, url, headers }: ExplainOptions): ExplainRequest {
  const target = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(url);
  if (target === null) throw new Error(`${url} is not a URL like http://host/path`);
  const [, authority = "", path = ""] = target;
  const isHost = ([name]: Header): boolean => name.toLowerCase() === "host";
  return {
    fleet,
    method,
    host: headers.find(isHost)?.[1] ?? authority,
    path: path.startsWith("/") ? path : `/${path}`,
    headers: headers.filter((header) => !isHost(header)),
    ...(port === undefined ? {} : { port }),
  };
}

async function askServer(server: ServerOptions, request: ExplainRequest): Promise<Explanation> {
  const answer = await send(server, { method: "POST", path: "/v1/explain", body: request });
  if (answer.status !== 200 || !isObject(answer.body)) throw new Error(refusalText(answer));
  return answer.body as unknown as Explanation;
}

function explainHere({ fleets }: Compiled, request: ExplainRequest): Explanation {
  const ir = fleets.get(request.fleet);
  if (ir === undefined) throw new Error(`there is no fleet named ${JSON.stringify(request.fleet)}`);
  const told = explainOffline(ir, request);
  if (told !== null) return told;
  const wanted =
    request.port === undefined ? "exactly one HTTP port (--port chooses one)" : `HTTP port ${request.port}`;
  const ports = ir.ports.filter(({ kind }) => kind === "http").map(({ port }) => port);
  throw new Error(`fleet ${JSON.stringify(ir.name)} does not have ${wanted}, but: ${ports.join(", ") || "none"}`);
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
