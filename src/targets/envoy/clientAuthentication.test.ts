import { expect, test } from "vitest";
import type { ClientAuthenticationIr, FleetIr, ListenerTlsIr } from "../../ir/index.ts";
import { finish } from "../../util/steps.ts";
import { trustedName } from "../clientAuthentication.ts";
import { MISDIRECTED_HOST } from "./clientAuthentication.ts";
import { effect } from "./effect.ts";
import { resourceJson } from "./json.ts";
import { createRenderer } from "./render.ts";
import { cluster, fleet, forward, httpPort, rule } from "./testing.ts";
import { typeUrls } from "./types.ts";

const asks = (more: Partial<ClientAuthenticationIr> = {}): ClientAuthenticationIr => {
  return { mode: "require", authorities: ["staff"], revokes: false, forwards: true, ...more };
};

function secure(clientAuthentication: ClientAuthenticationIr | null): FleetIr {
  const tls: ListenerTlsIr = {
    servers: [
      {
        ...{ serverNames: ["a.com"], scope: "*", certificates: ["own"], minVersion: "1.2", maxVersion: "1.3" },
        ...{ cipherSuites: [], alpn: ["http/1.1"] },
      },
    ],
    unknown: null,
    rejected: [],
    scopes: [{ hostname: "*", listener: "web", readsRequests: true, clientAuthentication }],
  };
  const port = httpPort(8443, { "a.com": [rule("r.0.0", { path: "/", action: forward("a") })] });
  const authority = (name: string) => ({ name, bundle: `bundle of ${name}\n`, crl: null });
  const certificates = [
    { name: "own", chain: "chain\n", privateKey: "key\n", serverNames: ["a.com"], keyType: "ecdsa" as const },
  ];
  return {
    ...fleet([{ ...port, tls }], [cluster("a", [1])]),
    certificates,
    authorities: [authority("partners"), authority("staff")],
  };
}

const textOf = (resource: Parameters<typeof resourceJson>[0]): string => JSON.stringify(resourceJson(resource));

function rendered(ir: FleetIr) {
  const { resources } = finish(createRenderer().render(ir));
  const [listener] = resources.get(typeUrls.listener)?.values() ?? [];
  const [routes] = resources.get(typeUrls.routes)?.values() ?? [];
  if (listener === undefined || routes === undefined) throw new Error("no listener");
  const told = textOf(routes).includes("x-forwarded-client-cert");
  return { listener, routes, told, text: textOf(listener), secrets: resources.get(typeUrls.secret) };
}

test("a listener is never there without those whom it trusts: nobody would be asked", () => {
  const { listener, text } = rendered(secure(asks()));
  expect(listener.refs).toContainEqual([typeUrls.secret, "authority:staff"]);
  expect(text).toContain('"requireClientCertificate":true');
  expect(text).toContain('"validationContextSdsSecretConfig":{"name":"authority:staff"');
});

test("several authorities are one", () => {
  const own = asks({ authorities: ["partners", "staff"] });
  const { listener, secrets } = rendered(secure(own));
  const name = `authority:${trustedName(own)}`;
  expect(listener.refs).toContainEqual([typeUrls.secret, name]);
  const secret = secrets?.get(name);
  if (secret === undefined) throw new Error("no secret");
  expect(resourceJson(secret)).toMatchObject({
    validationContext: { trustedCa: { inlineString: "bundle of partners\nbundle of staff\n" } },
  });
});

test.each([
  ["require", true, true],
  ["require", false, false],
  ["optional", true, true],
] as const)("%s, forward %s: endpoints are told %s", (mode, forwards, told) => {
  expect(rendered(secure(asks({ mode, forwards }))).told).toBe(told);
});

test("a table that takes any certificate for a good one belongs to listeners that let nobody else in", () => {
  const tables = (["require", "optional", "report"] as const).map((mode) => {
    const { listener, routes } = rendered(secure(asks({ mode })));
    return {
      ref: listener.refs.find(([type]) => type === typeUrls.routes)?.[1],
      name: routes.name,
      text: textOf(routes),
    };
  });
  expect(tables.map(({ ref, name }) => [ref, name])).toEqual([
    ["http-127-0-0-1-8443+shown", "http-127-0-0-1-8443+shown"],
    ["http-127-0-0-1-8443", "http-127-0-0-1-8443"],
    ["http-127-0-0-1-8443", "http-127-0-0-1-8443"],
  ]);
  expect(tables.map(({ text }) => text.includes("DOWNSTREAM_PEER_CERT"))).toEqual([true, false, false]);
});

test("the host of a 421 has a place of its own in the table, so that no rule adds to the answer", () => {
  const { routes, text } = rendered(secure(asks()));
  expect(text).toContain(MISDIRECTED_HOST);
  expect(resourceJson(routes)).toMatchObject({
    virtualHosts: expect.arrayContaining([
      expect.objectContaining({ domains: expect.arrayContaining([MISDIRECTED_HOST]) }),
    ]),
  });
  expect(textOf(rendered(secure(null)).routes)).not.toContain(MISDIRECTED_HOST);
});

test("nothing is there where nobody is asked", () => {
  const { told, text } = rendered(secure(null));
  expect(told).toBe(false);
  expect(text).not.toContain("lua");
  expect(text).not.toContain("disableStatelessSessionResumption");
});

test("another authority takes no connection away, another mode does", () => {
  const { render } = createRenderer();
  const before = finish(render(secure(asks())));
  const renewed = secure(asks());
  const authorities = renewed.authorities.map((own) => ({ ...own, bundle: "renewed\n" }));
  expect(effect(before, finish(render({ ...renewed, authorities })))).toBe("runtime");
  expect(effect(before, finish(render(secure(asks({ mode: "optional" })))))).toBe("listenerDrain");
});
