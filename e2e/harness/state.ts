/** What must not change when a write is refused: the stored model and everything that the proxies have or would get. */
import { versions } from "../proxies/envoy.ts";
import { filesTag } from "../proxies/files.ts";
import { must } from "./api.ts";
import { e2e } from "./context.ts";
import { until } from "./process.ts";

export interface Observed {
  readonly configTag: string | null;
  readonly newestRevision: unknown;
  /** Envoy's own `version_info` per resource. */
  readonly envoy: Readonly<Record<string, string>>;
  readonly nginxFiles: string;
  readonly haproxyFiles: string;
}

/** Reads all of it, from the program and from Envoy, once Envoy has taken in the newest revision. */
export async function observe(): Promise<Observed> {
  const { program, proxies } = e2e();
  const kept = await until("Envoy has acknowledged the newest revision", async () => {
    const newest = (await must(program.api, "GET /v1/revisions?limit=1")).json.items[0].revision;
    const [node] = (await must(program.api, "GET /v1/fleets/envoy/proxies")).json.items;
    return node.ackedRevision === newest ? new Set<string>(node.types.flatMap((type: Kept) => type.kept)) : null;
  });
  const revisions = await must(program.api, "GET /v1/revisions?limit=1");
  return {
    configTag: (await must(program.api, "GET /v1/config")).etag,
    newestRevision: revisions.json,
    envoy: without(await versions(proxies.envoy), kept),
    nginxFiles: await filesTag(program, "nginx"),
    haproxyFiles: await filesTag(program, "haproxy"),
  };
}

interface Kept {
  readonly kept: readonly string[];
}

/** What earlier connections may still use goes by itself, a minute after the model lost it. */
function without(versions: Readonly<Record<string, string>>, kept: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(versions).filter(([key]) => !kept.has(key.split(" ").at(-1) ?? "")));
}
