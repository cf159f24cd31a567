/** What proxies that probe their endpoints have in common: nobody else is to do it for them. */
import type { Support } from "./target.ts";

/** What such a target says of a fleet that names who probes. */
export function probesItself(proxy: string) {
  return {
    refused: `is for proxies that cannot probe: ${proxy} does it by itself, and would go by its own probes only`,
    code: "HC-OWN-PROBES",
  } as const satisfies Support;
}
