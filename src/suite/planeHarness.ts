/** A whole control plane in this process on free loopback ports, as controlPlane.ts puts it together, for tests. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { createApi } from "../api/index.ts";
import { createPipeline } from "../pipeline/index.ts";
import { createPublisher, type PublisherWithInput } from "../publish/index.ts";
import { createKeeper, createVault, KEY_BYTES } from "../secrets/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { loadTargets } from "../targets/registry.ts";
import type { Pace } from "../util/slices.ts";
import { createXdsServer, type XdsServer, type XdsServerOptions } from "../xds/index.ts";

/** Parts, addresses and the way to end it. */
export interface Plane {
  readonly store: Store;
  readonly publisher: PublisherWithInput;
  readonly xds: XdsServer;
  /** As `http://127.0.0.1:40001`. */
  readonly url: string;
  /** As `127.0.0.1:40002`. */
  readonly xdsAddress: string;
  /** What the publisher could not make; a test expects none. */
  readonly failures: readonly string[];
  close(): Promise<void>;
}

/** Starts on an empty store in a folder of its own, which `close` removes. */
export async function startPlane(
  options: { readonly apiToken?: string; readonly pace?: Pace; readonly xds?: Partial<XdsServerOptions> } = {},
): Promise<Plane> {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-plane-"));
  const failures: string[] = [];
  const { pace } = options;
  const store = openStore({ dir, now: () => new Date("2026-01-02T03:04:05Z"), pace });
  const xds = createXdsServer({ identifier: "trimtab/test", ...options.xds });
  const publisher = createPublisher({
    pipeline: createPipeline(await loadTargets()),
    xds,
    onFailure: (fleet, error) => failures.push(`${fleet}: ${String(error)}`),
    pace,
  });
  await publisher.commit(store.head());
  const stopListening = store.onCommit(publisher.commit);
  const api = await createApi({
    store,
    publisher,
    secrets: createKeeper(createVault({ key: randomBytes(KEY_BYTES) }), store.secrets),
    registry: new Registry(),
    apiToken: options.apiToken,
    pace,
  });
  return {
    store,
    publisher,
    xds,
    failures,
    url: `http://${await api.listen("127.0.0.1:0")}`,
    xdsAddress: await xds.listen("127.0.0.1:0"),
    async close() {
      stopListening();
      await api.close();
      await xds.close();
      publisher.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
