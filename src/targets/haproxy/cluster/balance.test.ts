import { describe, expect, it } from "vitest";
import { spreadHash } from "../../../util/hash.ts";
import { cluster } from "../testSupport/ir.ts";
import { serverIds, serverWeights } from "./balance.ts";

const hash = { policy: "hash", key: { kind: "source" }, boundedLoad: null } as const;
/** HAProxy 2.6 counts no more of an id. */
const RING = 2 ** 20;

describe("ids", () => {
  it("are their places unless the cluster hashes", () => expect(serverIds(cluster("c", [1, 2]))).toBeNull());

  it("stay when others go", () => {
    const ports = [11, 12, 13, 14, 15];
    const all = serverIds(cluster("c", ports, { balance: hash })) as readonly number[];
    for (const gone of ports.keys()) {
      const left = ports.filter((_, index) => index !== gone);
      expect(serverIds(cluster("c", left, { balance: hash }))).toEqual(all.filter((_, index) => index !== gone));
    }
  });

  it("are distinct where addresses meet, the first of them with its own", () => {
    const ports = Array.from({ length: 3000 }, (_, index) => index + 1);
    const own = new Set(ports.map((port) => 1 + (spreadHash(`127.0.0.1:${port}`) % (RING - 1))));
    expect(own.size).toBeLessThan(ports.length);
    const ids = serverIds(cluster("c", ports, { balance: hash })) as readonly number[];
    expect(new Set(ids).size).toBe(ports.length);
    expect(Math.min(...ids)).toBeGreaterThan(0);
    expect(Math.max(...ids)).toBeLessThan(RING);
  });
});

describe("weights", () => {
  const of = (policy: "random" | "roundRobin" | "hash", ...weights: number[]) => {
    const balance = policy === "hash" ? hash : { policy };
    const endpoints = weights.map((weight, port) => ({
      address: "127.0.0.1",
      port,
      weight,
      state: "active" as const,
      priority: 0,
    }));
    return serverWeights({ ...cluster("c", [], { balance }), endpoints });
  };

  it("are the model's where no ring is", () => expect(of("roundRobin", 3, 2, 1)).toEqual([3, 2, 1]));

  it("have points enough on a ring, by one factor up to 25", () => {
    expect(of("hash", 1, 1)).toEqual([10, 10]);
    expect(of("hash", 25, 1)).toEqual([250, 10]);
    expect(of("hash", 200, 100)).toEqual([200, 100]);
  });

  it("fill the ring of which is drawn, in proportion", () => {
    expect(of("random", 3, 2, 1)).toEqual([256, 171, 85]);
    const many = of("random", ...Array.from({ length: 1000 }, () => 256));
    expect(many.reduce((all, weight) => all + weight, 0)).toBeLessThanOrEqual(17_000);
  });
});
