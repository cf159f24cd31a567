import type { ExplainRequest, Explanation } from "../../compiler/index.ts";
import { isObject, refusalText, type ServerOptions, send } from "../client.ts";
import { EXIT, type Io, jsonText, printProblems, table } from "../output.ts";
import type { Header, RequestUrl } from "../values.ts";

/** Whom to ask about which request. */
export interface ExplainOptions {
  /** Model file; undefined: ask the server. */
  readonly file: string | undefined;
  readonly server: ServerOptions;
  readonly fleet: string;
  readonly port: number | undefined;
  readonly method: string;
  readonly url: RequestUrl;
  readonly headers: readonly Header[];
  readonly json: boolean;
}

/** `trimtab explain`: which rule takes a request, where it goes, and why the others lost. */
export async function explain(io: Io, options: ExplainOptions): Promise<number> {
  const request = requestOf(options);
  let told: Explanation;
  if (options.file === undefined) told = await askServer(options.server, request);
  else {
    const { explainFile } = await import("../explainFile.ts");
    const answer = await explainFile(options.file, request);
    if (answer.told === null) return printProblems(io, answer.problems, options.json);
    told = answer.told;
  }
  io.out(options.json ? jsonText(told) : explanationText(told));
  return EXIT.ok;
}

/** A `Host` header stands above the URL's host, as in curl. */
function requestOf({ fleet, method, port, url, headers }: ExplainOptions): ExplainRequest {
  const isHost = ([name]: Header): boolean => name.toLowerCase() === "host";
  return {
    fleet,
    method,
    host: headers.find(isHost)?.[1] ?? url.authority,
    path: url.path,
    headers: headers.filter((header) => !isHost(header)),
    ...(port === undefined ? {} : { port }),
  };
}

async function askServer(server: ServerOptions, request: ExplainRequest): Promise<Explanation> {
  const answer = await send(server, { method: "POST", path: "/v1/explain", body: request });
  if (answer.status !== 200 || !isObject(answer.body)) throw new Error(refusalText(answer));
  return answer.body as unknown as Explanation;
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
