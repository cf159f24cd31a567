/** Where tests and benches find the real proxies. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** `TRIMTAB_ENVOY`, else what set-up installed, else Envoy on PATH. */
export function envoyBinary(): string {
  const installed = join(import.meta.dirname, "../../.trimtab/bin/envoy");
  return process.env.TRIMTAB_ENVOY ?? (existsSync(installed) ? installed : "envoy");
}

/** nginx or HAProxy of a newer release, which set-up unpacks for tests. */
export function newerBinary(proxy: string): string {
  return join(import.meta.dirname, "../../.trimtab/newer/bin", proxy);
}
