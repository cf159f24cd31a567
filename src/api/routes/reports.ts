/** Agents on other machines tell how their proxies are. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import type { Publisher, RemoteReport } from "../../publish/types.ts";
import { pointer } from "../../util/pointer.ts";
import { answers, bodyOf, operation } from "../openapi.ts";
import { nodeParams, noQuery, runQuery } from "../parameters.ts";
import { addressOf } from "../peer.ts";
import { Problem } from "../problem.ts";
import { reportSchema } from "../reportSchema.ts";
import { noSuchFleet } from "./fleets.ts";

/** The path of both operations. */
export const REPORT_URL = "/v1/fleets/:name/proxies/:node";

/** A newer agent may say more; that is not kept. */
const check = new Ajv2020({
  allErrors: true,
  removeAdditional: "all",
  allowUnionTypes: true,
  validateSchema: false,
}).compile<RemoteReport>(reportSchema);

/** Seconds after which an agent may find room. */
const RETRY_AFTER = { "retry-after": "30" };

interface Named {
  Params: { name: string; node: string };
}

/** Registers `PUT` and `DELETE` of `/v1/fleets/{name}/proxies/{node}`. */
export function reportRoutes(app: FastifyInstance, { publisher }: { readonly publisher: Publisher }): void {
  app.put<Named>(
    REPORT_URL,
    {
      schema: operation("fleets", "Report how a proxy is that runs on another machine; agents do", {
        operationId: "reportProxy",
        params: nodeParams,
        querystring: noQuery,
        body: bodyOf("ProxyReport", "application/json"),
        response: answers("ProxyReportAnswer"),
      }),
    },
    async (request) => {
      const { name, node } = request.params;
      const { body } = request;
      if (!check(body)) throw misshapen();
      await publisher.caughtUp();
      refuseFleet(publisher, name);
      const bytes = Number(request.headers["content-length"] ?? JSON.stringify(body).length);
      const outcome = publisher.remote.report(name, node, { report: body, address: addressOf(request), bytes });
      if (outcome === "full") throw new Problem("API-BUSY", "too many proxies are reported", { headers: RETRY_AFTER });
      if (outcome === "replaced")
        throw new Problem("API-NAME-TAKEN", `another agent reports under the name ${node}: give this one another`);
      const { wanted = null } = publisher.fileProxies(name).find(({ nodeId }) => nodeId === node) ?? {};
      return { wanted };
    },
  );
  app.delete<Named & { Querystring: { run: string } }>(
    REPORT_URL,
    {
      schema: operation("fleets", "Report that a proxy on another machine has ended; agents do", {
        operationId: "forgetProxy",
        params: nodeParams,
        querystring: runQuery,
        response: answers("ProxyReportAnswer"),
      }),
    },
    async ({ params: { name, node }, query: { run } }) => {
      refuseFleet(publisher, name);
      publisher.remote.leave(name, node, run);
      return { wanted: null };
    },
  );
}

function refuseFleet(publisher: Publisher, name: string): void {
  if (publisher.proxies(name) === null) throw noSuchFleet(name);
  const outputs = publisher.outputs(name);
  if (outputs.length > 0 && !outputs.includes("files"))
    throw new Problem("API-NO-FILES", `the proxies of fleet ${name} are known by their streams`);
}

function misshapen(): Problem {
  const errors = (check.errors ?? []).map(({ instancePath, message = "is not valid", params }) => ({
    pointer: instancePath + (params.missingProperty === undefined ? "" : pointer(params.missingProperty)),
    code: "API-INVALID",
    message,
  }));
  return new Problem("API-INVALID", "the document is no report of a proxy", { errors });
}
