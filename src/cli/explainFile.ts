/** `trimtab explain PATHS`: the answer that a server with this model would give. */
import { type ExplainRequest, type Explanation, explain } from "../compiler/index.ts";
import { loadJudges } from "../targets/registry.ts";
import { didYouMean } from "../util/didYouMean.ts";
import { finish } from "../util/steps.ts";
import type { PlacedProblem } from "./document.ts";
import { loadModel } from "./offline.ts";

/** The explanation, or what is wrong with the file. Throws when the fleet or port is not there. */
export async function explainFile(
  paths: readonly string[],
  request: ExplainRequest,
): Promise<
  { readonly explanation: Explanation } | { readonly explanation: null; readonly problems: readonly PlacedProblem[] }
> {
  const { compiled, problems } = await loadModel(paths, loadJudges);
  if (compiled === null) return { explanation: null, problems };
  const ir = compiled.fleets.get(request.fleet);
  if (ir === undefined) {
    const hint = didYouMean(request.fleet, compiled.fleets.keys());
    throw new Error(`there is no fleet named ${JSON.stringify(request.fleet)}${hint}`);
  }
  const explanation = finish(explain(ir, request));
  if (explanation !== null) return { explanation };
  const wanted =
    request.port === undefined
      ? "exactly one port of HTTP or TLS (--port chooses one)"
      : `port ${request.port} of HTTP or TLS`;
  const ports = ir.ports.filter(({ kind }) => kind === "http" || kind === "tls").map(({ port }) => port);
  throw new Error(`fleet ${JSON.stringify(ir.name)} does not have ${wanted}, but: ${ports.join(", ") || "none"}`);
}
