/** Envoy: where it is found, and how it is run. */
import type { ResourceAdapter } from "../types.ts";
import { createEnvoyAgent } from "./envoyAgent.ts";

/** Envoy as the agent runs it. */
export const envoyAdapter: ResourceAdapter = {
  output: "resources",
  program: {
    file: "envoy",
    variable: "TRIMTAB_ENVOY",
    versionArgs: ["--version"],
    versionPattern: /version: [0-9a-f]+\/([0-9.]+)/,
    install: "put it on PATH (in a clone of Trimtab `npm run setup` fetches it)",
    setUpPath: ".trimtab/bin/envoy",
  },
  createAgent: createEnvoyAgent,
};
