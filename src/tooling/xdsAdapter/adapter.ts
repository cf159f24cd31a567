/** The xDS server with the adapter's service beside it. */
import { createXdsServer } from "../../xds/index.ts";
import { LEGACY_WILDCARD_TYPES } from "../../xds/resourceTypes.ts";
import { serveAdapter } from "./service.ts";
import { createStates } from "./states.ts";

/** How an adapter is started. */
export interface AdapterOptions {
  readonly host: string;
  readonly port: number;
  readonly adapter: number;
  readonly delay: number;
  /** An empty first subscription is a wildcard for every type. */
  readonly legacyWildcardAll: boolean;
}

/** A running adapter. */
export interface Adapter {
  readonly xdsPort: number;
  readonly adapterPort: number;
  close(): Promise<void>;
}

/** Starts both servers; each node id has a state of its own. */
export async function startAdapter(options: AdapterOptions): Promise<Adapter> {
  const { host, legacyWildcardAll } = options;
  const xds = createXdsServer({
    identifier: "trimtab/xds-adapter",
    groupOf: (node) => node.id,
    unknownGroups: "empty",
    legacyWildcard: (typeUrl) => legacyWildcardAll || LEGACY_WILDCARD_TYPES.has(typeUrl),
  });
  const address = await xds.listen(`${host}:${options.port}`);
  const service = await serveAdapter(createStates(xds), {
    address: `${host}:${options.adapter}`,
    delayMs: options.delay,
  });
  return {
    xdsPort: Number(address.slice(address.lastIndexOf(":") + 1)),
    adapterPort: service.port,
    async close() {
      service.close();
      await xds.close();
    },
  };
}
