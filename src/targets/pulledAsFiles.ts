/** What proxies that get files have in common: nobody pulls their fleets by xDS. */
import type { Support } from "./target.ts";

/** What a target of files says of rules for clients of the xDS port. */
export function pulledAsFiles(proxy: string) {
  return {
    refused: `would protect nothing: ${proxy} gets files, and whoever has the API's token may fetch them`,
    code: "XDS-ALLOW-FILES",
  } as const satisfies Support;
}
