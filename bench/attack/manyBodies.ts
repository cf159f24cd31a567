/** Many bodies at once: more than there are places, memory and workers for. */
import { type Shot, shoot } from "./expect.ts";
import { jsonShapes } from "./jsonShapes.ts";
import type { Attack } from "./types.ts";

const MIB = 1024 * 1024;
const COUNTS = {
  short: { small: 60, large: 8, bytes: MIB },
  whole: { small: 200, large: 40, bytes: 32 * MIB - 64 },
};

/** All that is refused is refused for a reason. */
export const manyBodies: Attack = {
  name: "many bodies at once",
  promise: "all bodies together keep to one bound of memory, and small writes of others go on",
  async run(server, size) {
    const { small, large, bytes } = COUNTS[size];
    const tiny = (jsonShapes["objects of one key of their own"] as (bytes: number) => string)(31 * 1024);
    const wide = (jsonShapes["empty objects as routes"] as (bytes: number) => string)(bytes);
    const yaml = "- {}\n".repeat(Math.min(bytes, 4 * MIB - 64) / 5);
    const shots: Shot[] = [
      ...Array.from({ length: small }, () => ({ name: "small", method: "PUT", path: "/v1/clusters/x", body: tiny })),
      ...Array.from({ length: large }, () => ({ name: "large", method: "PUT", path: "/v1/config", body: wide })),
      ...Array.from({ length: 4 }, () => {
        const headers = { "content-type": "application/yaml" };
        return { name: "YAML", method: "PUT", path: "/v1/config", body: yaml, headers };
      }),
    ];
    const wrong = await Promise.all(shots.map((shot) => shoot(server, shot, [400, 408, 413, 422, 503])));
    return wrong.flat();
  },
};
