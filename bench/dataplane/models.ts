/** The models: the written one, and larger ones made of it. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Probe, SHOP } from "./cases.ts";
import { modelFile } from "./places.ts";
import { withPorts } from "./ports.ts";
import type { ModelText } from "./sides.ts";

interface Model {
  routes: { readonly name: string; readonly rules: object[]; readonly [field: string]: unknown }[];
  [kind: string]: unknown;
}

/** The written model, or that with more in it. */
export function modelWith(change: (model: Model) => void = () => undefined): ModelText {
  return (ports) => {
    const model = parse(withPorts(readFileSync(modelFile, "utf8"), ports)) as Model;
    change(model);
    return JSON.stringify(model);
  };
}

/** A route may have 256 rules; routes of one host share it. */
const RULES_PER_ROUTE = 200;

/** As many rules in the measured host, of every kind. */
export function manyRules(count: number): ModelText {
  return modelWith(({ routes }) => {
    const rules = Array.from({ length: moreThanWritten(count) }, (_, index) => moreRule(index));
    for (let start = 0; start < rules.length; start += RULES_PER_ROUTE)
      routes.push({
        name: `more-${start}`,
        listeners: ["web"],
        hostnames: [SHOP],
        rules: rules.slice(start, start + RULES_PER_ROUTE),
      });
  });
}

/** How many rules `manyRules` adds to the written ones. */
export function moreThanWritten(count: number): number {
  const { routes } = parse(readFileSync(modelFile, "utf8")) as Model;
  return count - routes.reduce((sum, route) => sum + route.rules.length, 0);
}

/** Every request that no exact path takes is held against every regular expression: more than these would be another bench. */
const MORE_REGEXES = 5;

/** Whether this added rule has an expression. */
export function isMoreRegex(index: number): boolean {
  return index % 10 === 0 && index < MORE_REGEXES * 10;
}

/** A request to an added rule of each kind, for the proof that another configuration has them too. */
export const MORE_PROBES: readonly Probe[] = [
  { name: "an added regex", target: "/more/40/abc", status: 200, upstream: "blue" },
  { name: "an added prefix", target: "/more/50/a%2Cb?c", status: 200, upstream: "blue" },
  { name: "an added exact path", target: "/more/41", status: 200, upstream: "blue" },
  { name: "an added exact path and more", target: "/more/41/a", status: 404 },
  {
    name: "an added method",
    method: "POST",
    target: "/more/42/a%2Cb",
    fields: ["Content-Length: 0"],
    status: 200,
    upstream: "blue",
  },
  { name: "another method than the added one", target: "/more/42/a", status: 404 },
  { name: "an added rewrite", target: "/more/43/a%2Cb?c", status: 200, upstream: "blue", path: "/inside/a%2Cb?c" },
  { name: "an added redirect", target: "/more/44/a%2Cb?c", status: 308 },
  { name: "an added answer", target: "/more/45/a", status: 410 },
  { name: "no added rule", target: "/more", status: 404 },
];

/** Of ten rules five forward a prefix; the others are one of each kind, and of the first fifty some are regular expressions. */
function moreRule(index: number): object {
  const path = `/more/${index}`;
  const name = `more-${index}`;
  const split = [{ cluster: "blue" }];
  const responseHeaders = { set: [{ name: "x-rule", value: name }] };
  const prefix = [{ path: { prefix: path } }];
  switch (index % 10) {
    case 0:
      return isMoreRegex(index)
        ? { name, matches: [{ path: { regex: `${path}/[a-z]+` } }], split, responseHeaders }
        : { name, matches: prefix, split, responseHeaders };
    case 1:
      return { name, matches: [{ path: { exact: path } }], split, responseHeaders };
    case 2:
      return { name, matches: [{ path: { prefix: path }, method: "POST" }], split, responseHeaders };
    case 3: {
      const requestHeaders = { set: [{ name: "x-api-version", value: String(index) }] };
      return {
        name,
        matches: prefix,
        split,
        rewrite: { path: { prefix: "/inside" } },
        requestHeaders,
        responseHeaders,
      };
    }
    case 4:
      return { name, matches: prefix, redirect: { path: { prefix: `/moved/${index}` }, status: 308 } };
    case 5:
      return { name, matches: prefix, respond: { status: 410, body: `Number ${index % 100} is gone.\n` } };
    default:
      return { name, matches: prefix, split, responseHeaders };
  }
}

/** As many hosts of one rule; each changes a field of its own in requests and answers, or all the same one. */
export function manyHosts(count: number, fields: "own field" | "same field"): ModelText {
  return modelWith(({ routes }) => {
    for (let index = 0; index < count; index++) {
      const name = fields === "own field" ? `x-host-${index}` : "x-host";
      const change = { set: [{ name, value: `host-${index}` }] };
      routes.push({
        name: `host-${index}`,
        listeners: ["web"],
        hostnames: [`h${index}.example.org`],
        rules: [{ split: [{ cluster: "green" }], requestHeaders: change, responseHeaders: change }],
      });
    }
  });
}

/** A request to one of those hosts. */
export function hostProbe(index: number): Probe {
  return { name: "host", host: `h${index}.example.org`, target: "/a/b?c=d", status: 200, upstream: "green" };
}
