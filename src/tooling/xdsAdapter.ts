/**
 * `npm run xds-adapter`: the xDS server under the hands of an outside test harness, which changes resources by gRPC on a second port.
 * Not part of the program.
 */
import { parseArgs } from "node:util";
import { setEngineFlags } from "../util/engineFlags.ts";
import { startAdapter } from "./xdsAdapter/adapter.ts";

/** Both ends of a port's range, and the longest delay. */
const MAX_NUMBER = 65_535;

const { values } = parseArgs({
  options: {
    port: { type: "string", default: process.env.XDS_PORT ?? "18000" },
    adapter: { type: "string", default: process.env.ADAPTER_PORT ?? "17000" },
    delay: { type: "string", default: process.env.ADAPTER_DELAY_MS ?? "150" },
    host: { type: "string", default: "127.0.0.1" },
    "legacy-wildcard-all": { type: "boolean", default: false },
  },
});

function number(text: string, flag: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_NUMBER)) throw new Error(`--${flag} is a number up to ${MAX_NUMBER}, not ${text}`);
  return value;
}

setEngineFlags();
const running = await startAdapter({
  host: values.host,
  port: number(values.port, "port"),
  adapter: number(values.adapter, "adapter"),
  delay: number(values.delay, "delay"),
  legacyWildcardAll: values["legacy-wildcard-all"],
});
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void running.close().finally(() => process.exit(0)));
}
console.log(`ready xds=${running.xdsPort} adapter=${running.adapterPort}`);
