/** The objects of random models by name: what references can name, and what makes a model one that requests can be sent to. */
import fc from "fast-check";
import { arbitraryOf, sometimes } from "./fromSchema.ts";
import { type Document, type Item, KINDS, namesOf, plain } from "./names.ts";

/** A fleet and its proxy. */
export interface FleetPlan {
  readonly name: string;
  readonly proxy: string;
}

/** What random models have in common. */
export interface Plan {
  readonly fleets: readonly FleetPlan[];
  /** Names of the fleets that have a port of HTTP and one of TCP. */
  readonly ready: readonly string[];
  /** Whether those ports are in each model. */
  readonly listening: boolean;
}

/** Of each proxy one fleet. */
export const EVERY_PROXY: Plan = {
  fleets: ["envoy", "nginx", "haproxy"].map((proxy, index) => ({ name: namesOf("fleet")[index] as string, proxy })),
  ready: namesOf("fleet"),
  listening: true,
};

/** Two fleets of one proxy, the second with what chance gives it. */
export function onlyOf(proxy: string): Plan {
  return { fleets: ["main", "other"].map((name) => ({ name, proxy })), ready: ["main"], listening: true };
}

/** Fields of single objects that are not left to chance. */
function fixed({ fleets, ready }: Plan): Readonly<Record<string, Readonly<Record<string, object>>>> {
  const own = { fleets: ready, address: undefined, port: 18080, protocol: "HTTP", hostname: undefined };
  const passing = fleets
    .filter(({ name, proxy }) => ready.includes(name) && proxy !== "haproxy")
    .map(({ name }) => name);
  // HAProxy has no UDP: where no other proxy is, the names belong to HTTP.
  const hasUdp = passing.length > 0;
  return {
    fleet: Object.fromEntries(fleets.map((fleet) => [fleet.name, fleet])),
    listener: {
      web: own,
      narrow: { ...own, hostname: "*.example.com" },
      calls: { ...own, port: 19001, http: { http2: "only" } },
      raw: { ...own, port: 19000, protocol: "TCP" },
      packets: hasUdp
        ? { ...own, fleets: passing, port: 19000, protocol: "UDP" }
        : { ...own, hostname: "p.example.com" },
      secure: { ...own, port: 18443, protocol: "HTTPS" },
      passed: { ...own, port: 19443, protocol: "TLS" },
      ended: { ...own, port: 18443, protocol: "TLS", hostname: "*.example.com" },
    },
    route: {
      grpc: { listeners: ["calls"], protocol: "grpc", hostnames: undefined },
      tls: { listeners: ["passed", "ended"], protocol: "tls" },
      "tls-too": { listeners: ["ended"], protocol: "tls" },
      tcp: { listeners: ["raw"], protocol: "tcp", hostnames: undefined },
      ...(hasUdp ? { udp: { listeners: ["packets"], protocol: "udp", hostnames: undefined } } : {}),
    },
    cluster: { empty: { endpoints: [] }, calls: { protocol: "http2" } },
  };
}

/** A document as it is drawn: of valid shape, but parts may clash and names may name nothing. */
export function drawn(plan: Plan): fc.Arbitrary<Document> {
  const fixedFields = fixed(plan);
  const always: Readonly<Record<string, readonly string[]>> = {
    fleet: plan.fleets.map(({ name }) => name),
    listener: plan.listening ? ["web", "narrow", "raw", "packets", "calls", "secure", "passed", "ended"] : [],
    cluster: namesOf("cluster"),
    certificate: namesOf("certificate"),
  };
  const lists = KINDS.map(({ kind, schema }) => {
    const value = arbitraryOf({ path: kind, schema }) as fc.Arbitrary<object>;
    const names = kind === "fleet" ? plan.fleets.map(({ name }) => name) : namesOf(kind);
    const items = names.map((name) => {
      const item = value.map((body) => ({ ...body, name, ...fixedFields[kind]?.[name] }) as Item);
      return always[kind]?.includes(name) ? item : sometimes(item, PRESENCE);
    });
    return fc.tuple(...items).map((list) => list.filter((item) => item !== undefined));
  });
  return fc
    .tuple(...lists)
    .map((all) => plain(Object.fromEntries(KINDS.map(({ collection }, index) => [collection, all[index] as Item[]]))));
}

/** How often in a hundred an object is there that a model need not have. */
const PRESENCE = 60;
