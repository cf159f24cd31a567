/** Regular expressions that are hard to write for PCRE2, by thousands. */
import { hardExpression, many, rulesOf, stage } from "./shapes.ts";
import type { Attack, Server } from "./types.ts";

/** In one route, in one apply, and over many writes. */
const COUNTS = { short: { once: 2_000, writes: 3, each: 20 }, whole: { once: 10_000, writes: 60, each: 20 } };

function routeOf(name: string, from: number, count: number): Record<string, unknown> {
  const rules = rulesOf(count, (index) => ({ path: { regex: hardExpression(from + index) } }));
  return { name, listeners: ["l0"], hostnames: [`${name}.example`], rules };
}

async function refused(server: Server, request: string, document: unknown): Promise<string[]> {
  const [method = "", path = ""] = request.split(" ");
  const { status, text } = await server.call(method, path, JSON.stringify(document));
  return status === 422 && text.includes("MODEL-TOO-LARGE") ? [] : [`${request}: ${status} ${text.slice(0, 200)}`];
}

/** What thousands of hard expressions cost others. */
export const regexes: Attack = {
  name: "regular expressions",
  promise: "the analysis of expressions has a budget, and nobody else's write waits for it",
  async run(server, size) {
    const { once, writes, each } = COUNTS[size];
    await server.call("POST", "/v1/config/apply", JSON.stringify(stage(1)));
    const wrong = [
      ...(await refused(server, "PUT /v1/routes/large", routeOf("large", 0, Math.min(once, 4_000)))),
      ...(await refused(server, "POST /v1/config/apply", {
        routes: many(Math.ceil(once / 100), (index) => routeOf(`r${index}`, index * 100, 100)),
      })),
    ];
    let last = 200;
    for (let index = 0; index < writes; index++) {
      const route = JSON.stringify(routeOf(`w${index}`, index * each, each));
      const { status, text } = await server.call("PUT", `/v1/routes/w${index}`, route);
      if (status !== 201 && !text.includes("MODEL-TOO-LARGE"))
        wrong.push(`write ${index}: ${status} ${text.slice(0, 200)}`);
      last = status;
    }
    if (size === "whole" && last !== 422) wrong.push("all expressions together have no bound");
    return wrong;
  },
};
