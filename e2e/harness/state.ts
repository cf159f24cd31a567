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
  await until("Envoy has acknowledged the newest revision", async () => {
    const newest = (await must(program.api, "GET /v1/revisions?limit=1")).json.items[0].revision;
    const [node] = (await must(program.api, "GET /v1/fleets/envoy/proxies")).json.items;
    return node.ackedRevision === newest ? true : null;
  });
  const revisions = await must(program.api, "GET /v1/revisions?limit=1");
  return {
    configTag: (await must(program.api, "GET /v1/config")).etag,
    newestRevision: revisions.json,
    envoy: await versions(proxies.envoy),
    nginxFiles: await filesTag(program, "nginx"),
    haproxyFiles: await filesTag(program, "haproxy"),
  };
}
