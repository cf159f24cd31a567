/** How a cluster's endpoint is chosen. */
import { defaults } from "../../gen/defaults.ts";
import type { BalanceIr, KeyIr } from "../../ir/index.ts";
import type { Cluster } from "../../model/index.ts";

type HashBody = NonNullable<NonNullable<Cluster["balance"]>["hash"]>;

/** The policy, defaults filled in. */
export function balanceOf({ balance }: Cluster): BalanceIr {
  const { policy, hash } = { hash: undefined, ...(balance ?? defaults["cluster.balance"]) };
  if (policy !== "hash") return Object.freeze({ policy });
  if (hash === undefined) throw new Error("policy hash without a hash: the model's rules did not run");
  return Object.freeze({ policy, key: Object.freeze(keyOf(hash)), boundedLoad: hash.boundedLoad ?? null });
}

function keyOf({ by, name = "" }: HashBody): KeyIr {
  switch (by) {
    case "source":
    case "path":
      return { kind: by };
    case "header":
      return { kind: by, name: name.toLowerCase() };
    case "cookie":
    case "query":
      return { kind: by, name };
  }
}
