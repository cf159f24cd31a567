/** Admitted writes one after the other, each near a bound, so that what the one before needed is still held. */
import { hostnames, longPolicies, lookups, type Model, sharedClusters, unequalHosts } from "./shapes.ts";
import type { Attack, Server } from "./types.ts";

/** All are admitted by the default bounds, and none would be much larger. */
const MODELS: readonly (() => Model)[] = [
  () => unequalHosts(20, 8_000),
  () => hostnames(350, 256),
  () => lookups(150, 100),
  () => longPolicies(3, 1),
  () => sharedClusters(24, 200, 500),
];

const ROUNDS = { short: 1, whole: 4 };

async function replace(server: Server, model: Model, wrong: string[]): Promise<void> {
  const { status, text } = await server.call("POST", "/v1/config/apply?owner=sequences", JSON.stringify(model));
  if (status !== 200) wrong.push(`apply: ${status} ${text.slice(0, 300)}`);
  for (const { name, proxy } of (model.fleets ?? []) as readonly { name: string; proxy: string }[]) {
    if (proxy === "envoy") continue;
    const files = await server.call("GET", `/v1/fleets/${name}/files`);
    if (files.status !== 200) wrong.push(`files of ${name}: ${files.status} ${files.text.slice(0, 200)}`);
  }
}

/** Large models that replace each other. */
export const sequences: Attack = {
  name: "sequences of large models",
  promise: "any sequence of admitted writes is rendered, and memory stays below 2 GiB",
  async run(server, size) {
    const wrong: string[] = [];
    const models = size === "short" ? MODELS.slice(0, 1) : MODELS;
    for (let round = 0; round < ROUNDS[size]; round++) {
      for (const model of models) await replace(server, model(), wrong);
    }
    return wrong;
  },
};
