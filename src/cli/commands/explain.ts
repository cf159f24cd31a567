import type { ExplainRequest, Explanation } from "../../compiler/index.ts";
import type { ServerOptions } from "../client.ts";
import type { Declaration } from "../command.ts";
import { type ServerFlags, serverOf, withServer } from "../options.ts";
import { EXIT, type Io, jsonText, printProblems, table } from "../output.ts";
import { type Header, headerLine, method, portNumber, type RequestUrl, requestUrl } from "../values.ts";

interface ExplainFlags extends ServerFlags {
  readonly fleet: string;
  readonly url: RequestUrl;
  readonly method: string;
  readonly port?: number;
  readonly header?: readonly Header[];
  readonly source?: string;
  readonly serverName?: string;
}

/** `trimtab explain`: which rule takes a request, where it goes, and why the others lost. */
export const explain: Declaration = (program, { io, done }) => {
  withServer(program.command("explain [paths...]"))
    .description("which rule takes a request, and why the others lost; from the files, or from the server")
    .requiredOption("--fleet <name>", "whose proxies are asked")
    .requiredOption("--url <url>", "as http://host/path?query", requestUrl)
    .option("--method <method>", "request method", method, "GET")
    .option("--port <port>", "the listener's port; needed when the fleet has several", portNumber)
    .option("--server-name <name>", "what the client asks for (SNI), on ports of TLS; default: the URL's host")
    .option("--source <address>", "the client's address, for rules that look at it")
    .option("-H, --header <line>", "request header `Name: value`; repeat for more", headerLine)
    .action((paths: readonly string[], flags: ExplainFlags) => {
      const { header: headers = [], json = false, port, source, serverName } = flags;
      const asked = { fleet: flags.fleet, method: flags.method, url: flags.url, headers, port, source, serverName };
      return done(run(io, { paths, server: serverOf(flags), json, ...asked }));
    });
};

/** Whom to ask about which request. */
interface ExplainOptions {
  /** Of the model; none: ask the server. */
  readonly paths: readonly string[];
  readonly server: ServerOptions;
  readonly fleet: string;
  readonly port: number | undefined;
  readonly method: string;
  readonly url: RequestUrl;
  readonly headers: readonly Header[];
  readonly source: string | undefined;
  readonly serverName: string | undefined;
  readonly json: boolean;
}

async function run(io: Io, options: ExplainOptions): Promise<number> {
  const request = requestOf(options);
  let explanation: Explanation;
  if (options.paths.length === 0) explanation = await askServer(options.server, request);
  else {
    const { explainFile } = await import("../explainFile.ts");
    const answer = await explainFile(options.paths, request);
    if (answer.explanation === null) return printProblems(io, answer.problems, options.json);
    explanation = answer.explanation;
  }
  io.out(options.json ? jsonText(explanation) : explanationText(explanation));
  return EXIT.ok;
}

/** A `Host` header stands above the URL's host, as in curl. */
function requestOf({ fleet, method, port, url, headers, source, serverName }: ExplainOptions): ExplainRequest {
  const isHost = ([name]: Header): boolean => name.toLowerCase() === "host";
  return {
    fleet,
    method,
    host: headers.find(isHost)?.[1] ?? url.authority,
    path: url.path,
    headers: headers.filter((header) => !isHost(header)),
    ...(port === undefined ? {} : { port }),
    ...(source === undefined ? {} : { source }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

async function askServer(server: ServerOptions, request: ExplainRequest): Promise<Explanation> {
  const { isObject, listIn, refusalText, send } = await import("../client.ts");
  const answer = await send(server, { method: "POST", path: "/v1/explain", body: request });
  if (answer.status !== 200 || !isObject(answer.body) || !isObject(answer.body.outcome))
    throw new Error(refusalText(answer));
  listIn(answer, "rules");
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
  if (outcome.kind === "close") return `closed: ${outcome.reason}`;
  if (outcome.kind === "pass")
    return `${outcome.tlsEnds ? "TLS ends, bytes go" : "passed through"} to ${sharesText(outcome.split)}`;
  if (outcome.kind === "respond") return `answered ${outcome.status} directly`;
  if (outcome.kind === "redirect") return `redirected (${outcome.status}) to ${outcome.location}`;
  return `forwarded as ${outcome.path} to ${sharesText(outcome.split)}`;
}

function sharesText(split: readonly { readonly cluster: string; readonly sharePercent: number }[]): string {
  return split.map(({ cluster, sharePercent }) => `${cluster} (${sharePercent.toFixed(1)} %)`).join(", ");
}
