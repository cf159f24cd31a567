/** Bodies of a single resource: PUT, merge patches, questions to explain. */
import { type Shot, shootAll } from "./expect.ts";
import { jsonShapes } from "./jsonShapes.ts";
import type { Attack } from "./types.ts";

const KIB = 1024;
/** Around where bodies leave the event loop, the most that a resource may have, and more than that. */
const SIZES = { short: [511 * KIB], whole: [16 * KIB, 32 * KIB - 64, 64 * KIB, 511 * KIB, 1024 * KIB] };

/** Rules as many and as long as fit. */
function wideRoute(): string {
  const rules = Array.from({ length: 256 }, (_, rule) => ({
    matches: Array.from({ length: 64 }, (_, match) => ({ path: { prefix: `/${rule}.${match}` } })),
    respond: { status: 200 },
  }));
  return JSON.stringify({ name: "x", listeners: [], rules });
}

/** One resource cannot be what it is not. */
export const oneResource: Attack = {
  name: "bodies of one resource",
  promise: "no shape of a body that is allowed by its size holds the loop or keeps others waiting",
  async run(server, size) {
    await server.call(
      "PUT",
      "/v1/clusters/x",
      JSON.stringify({ name: "x", endpoints: [{ address: "127.0.0.1", port: 1 }] }),
    );
    const shots = SIZES[size].flatMap((bytes) =>
      Object.entries(jsonShapes).flatMap(([shape, make], index): Shot[] => {
        const name = `${shape}, ${bytes}`;
        const body = make(bytes);
        const headers = { "content-type": "application/merge-patch+json" };
        const put: Shot = { name, method: "PUT", path: "/v1/routes/x", body };
        const patch: Shot = { name, method: "PATCH", path: "/v1/clusters/x", body, headers };
        const explain: Shot = { name, method: "POST", path: "/v1/explain", body };
        const all = [put, patch, explain];
        return size === "whole" ? all : all.slice(index % 3, (index % 3) + 1);
      }),
    );
    const wide: Shot = { name: "256 rules of 64 matches", method: "PUT", path: "/v1/routes/x", body: wideRoute() };
    return shootAll(server, [...shots, wide], [400, 413, 422]);
  },
};
