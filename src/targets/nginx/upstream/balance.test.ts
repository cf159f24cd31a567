import { expect, it } from "vitest";
import { capabilities } from "../capabilities.ts";
import { cluster } from "../testIr.ts";
import { balanceView } from "./balance.ts";

// Not run: the nginx that is installed does not know it.
it("leastTime is written for nginx 1.31.0 and later, and refused before", () => {
  const own = cluster("c", [1], { balance: { policy: "leastTime" } });
  expect(balanceView(own, "http").leastTime?.text).toBe("header");
  expect(balanceView(own, "stream").leastTime?.text).toBe("first_byte");
  const [{ when }] = capabilities["cluster.balance.policy"];
  expect(when("leastTime", [1, 30, 9])).toBe(true);
  expect(when("leastTime", [1, 31, 0])).toBe(false);
  expect(when("random", [1, 22, 0])).toBe(false);
});
