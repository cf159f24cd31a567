/** Names of variables, locations and files: words of the model, never hashes, and numbers only where two words fall together. */
import type { HttpPortIr, PortIr, RuleIr } from "../../ir/index.ts";
import { type Variable, variable } from "./quote.ts";

/** `x-a-b` -> `x_a_b`. Names of header fields have no underscore, so they stay apart. */
export function underscored(name: string): string {
  return name.replace(/[^a-z0-9]/g, "_");
}

/** The first value of a request header (all values, comma-joined, from nginx 1.23 on). */
export function headerVariable(name: string): Variable {
  return variable(`http_${underscored(name)}`);
}

/** The named location of a rule, as `@shop/orders`. */
export function ruleLocation({ name }: Pick<RuleIr, "name">): string {
  return `@${name}`;
}

/** The number of a rule's match: what only one of its matches has is named with it from the second one on. */
export function matchSuffix({ id }: Pick<RuleIr, "id">): string {
  const match = id.slice(id.lastIndexOf(".") + 1);
  return match === "0" || match === id ? "" : `/${match}`;
}

/** The file of an HTTP socket. */
export function listenerFile({ id, listeners: [name = id] }: Pick<HttpPortIr, "id" | "listeners">): string {
  return `listeners/${name}.conf`;
}

/** The file of a TCP or UDP port. */
export function streamFile({ id, listeners: [name = id] }: Pick<PortIr, "id" | "listeners">): string {
  return `streams/${name}.conf`;
}

/** Below `variables_hash_bucket_size` by more than nginx keeps beside a name. */
const LONGEST_VARIABLE = 400;

/** A name that was asked for, by whom, and what came of it. */
export interface Claim {
  readonly wanted: string;
  /** Two claims of one owner to one name are one. */
  readonly owner: string;
  readonly got: string;
}

/** Gives out the names of variables of one rendering. */
export interface Names {
  /** `wanted` with underscores; a number behind it when another owner has it. */
  readonly claim: (wanted: string, owner: string) => Claim;
}

/** Names are given in the order of the claims, so equal models get equal names. */
export function createNames(): Names {
  const owners = new Map<string, string>();
  return {
    claim: (wanted, owner) => {
      const base = underscored(wanted).slice(0, LONGEST_VARIABLE);
      let got = base;
      for (let number = 2; ; number++) {
        const other = owners.get(got);
        if (other === owner) break;
        if (other === undefined) {
          owners.set(got, owner);
          break;
        }
        got = `${base}_${number}`;
      }
      return { wanted, owner, got };
    },
  };
}

/** Whether all claims of an earlier rendering come out as they did. */
export function holdAgain(claims: readonly Claim[], names: Names): boolean {
  let hold = true;
  for (const { wanted, owner, got } of claims) if (names.claim(wanted, owner).got !== got) hold = false;
  return hold;
}

/** Who is trusted. */
export function authorityFile(authority: string): string {
  return `authorities/${authority}.pem`;
}

/** What an authority has revoked. */
export function revocationFile(authority: string): string {
  return `authorities/${authority}.crl`;
}
