/** Small documents that amount to much: hostnames, rules, matches, listeners, fleets, lookups, texts. */
import {
  hostnames,
  longPolicies,
  lookups,
  type Model,
  many,
  nestedPrefixes,
  rulesOf,
  sharedClusters,
  stage,
  unequalHosts,
} from "./shapes.ts";
import type { Attack, Server } from "./types.ts";

/** What an answer to a write may be here. */
const ADMITTED = 200;
const REFUSED = 422;

/** Grows until it is refused. From a size on every step is refused, so there are few. */
interface Ramp {
  readonly name: string;
  readonly steps: { readonly short: readonly Model[]; readonly whole: readonly Model[] };
}

const doubled = (from: number, times: number, make: (size: number) => Model): readonly Model[] =>
  many(times, (step) => make(from * 2 ** step));

/** 256 x 256 x 64: what ended the process once. */
const everything: Model = {
  ...stage(1),
  routes: [
    {
      name: "all",
      listeners: ["l0"],
      hostnames: many(256, (index) => `h${index}.example`),
      rules: rulesOf(256 * 64, (index) => ({ path: { exact: `/${index}` } })),
    },
  ],
};

const RAMPS: readonly Ramp[] = [
  { name: "hostnames x rules x matches", steps: { short: [everything], whole: [everything] } },
  {
    name: "unequal hosts x matches",
    steps: {
      short: doubled(64, 1, (hosts) => unequalHosts(hosts, 8192)),
      whole: doubled(8, 6, (hosts) => unequalHosts(hosts, 8192)),
    },
  },
  {
    name: "unequal hosts x listeners",
    steps: {
      short: doubled(64, 1, (listeners) => unequalHosts(64, 256, listeners)),
      whole: doubled(2, 6, (listeners) => unequalHosts(64, 256, listeners)),
    },
  },
  {
    name: "hostnames x listeners",
    steps: {
      short: doubled(64, 1, (routes) => hostnames(routes, 256, 32)),
      whole: doubled(8, 8, (routes) => hostnames(routes, 256, 2)),
    },
  },
  {
    name: "paths x expressions",
    steps: {
      short: doubled(1024, 1, (size) => lookups(size, size)),
      whole: doubled(64, 5, (size) => lookups(size, size)),
    },
  },
  {
    name: "prefixes of prefixes",
    steps: {
      short: doubled(64, 1, (each) => nestedPrefixes(255, each)),
      whole: doubled(1, 6, (each) => nestedPrefixes(255, each)),
    },
  },
  {
    name: "long policies x hosts",
    steps: {
      short: doubled(256, 1, (hosts) => longPolicies(hosts, 6)),
      whole: doubled(1, 9, (hosts) => longPolicies(hosts, 3)),
    },
  },
  {
    name: "clusters x fleets",
    steps: {
      short: doubled(192, 1, (fleets) => sharedClusters(fleets, 50, 1000)),
      whole: doubled(3, 7, (fleets) => sharedClusters(fleets, 200, 500)),
    },
  },
];

/** What is admitted is rendered for all fleets, and what is too large is refused with its figure. */
async function climb(server: Server, { name, steps }: Ramp, size: "short" | "whole"): Promise<string[]> {
  const wrong: string[] = [];
  let refused = false;
  for (const [step, model] of steps[size].entries()) {
    const { status, text } = await server.call("POST", "/v1/config/apply?owner=products", JSON.stringify(model));
    const where = `${name}, step ${step}`;
    if (status === ADMITTED) {
      if (refused) wrong.push(`${where}: admitted after a smaller one was refused`);
      for (const fleet of model.fleets ?? []) wrong.push(...(await renders(server, where, fleet as unknown as Fleet)));
    } else if (status === REFUSED && text.includes("MODEL-TOO-LARGE") && /at most \d+/.test(text)) refused = true;
    else wrong.push(`${where}: ${status} ${text.slice(0, 200)}`);
  }
  if (!refused) wrong.push(`${name}: no step was refused`);
  return wrong;
}

interface Fleet {
  readonly name: string;
  readonly proxy: string;
}

async function renders(server: Server, where: string, { name, proxy }: Fleet): Promise<string[]> {
  if (proxy !== "envoy") {
    const { status, text } = await server.call("GET", `/v1/fleets/${name}/files`);
    if (status !== 200) return [`${where}: files of ${name}: ${status} ${text.slice(0, 200)}`];
  }
  const { text } = await server.call("GET", `/v1/fleets/${name}/status`);
  const { state } = JSON.parse(text) as { state: string };
  return state === "current" ? [] : [`${where}: ${text.slice(0, 300)}`];
}

/** What small documents amount to. */
export const products: Attack = {
  name: "products",
  promise: "a small document that amounts to much is refused with its figure, or rendered; memory stays below 2 GiB",
  async run(server, size) {
    const wrong: string[] = [];
    for (const ramp of RAMPS) {
      wrong.push(...(await climb(server, ramp, size)));
      await server.call("POST", "/v1/config/apply?owner=products", "{}");
    }
    return wrong;
  },
};
