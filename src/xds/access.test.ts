/** Who may pull a group: identities in certificates, and rules for them. */
import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { accessOf } from "./access.ts";
import { identitiesIn } from "./identities.ts";
import { createAuthority } from "./testingCertificates.ts";

describe("identities", () => {
  test.each([
    [undefined, []],
    ["", []],
    [
      "DNS:Envoy-1.Example.ORG, IP Address:127.0.0.1, URI:spiffe://td/ns/a",
      ["envoy-1.example.org", "spiffe://td/ns/a"],
    ],
    ["URI:https://a.example:8443/x%20y", ["https://a.example:8443/x%20y"]],
    // Patterns, mail addresses and other forms name no holder.
    ["DNS:*.example.org, email:a@b.c, DirName:/CN = x", []],
    ["URI:spiffe://td/*, URI:spiffe://td/a/**", []],
    // One value that looks like two.
    ['DNS:"a.example.org, URI:spiffe://td/admin", DNS:b', ["b"]],
    ['URI:"spiffe://td/\\"x", DNS:b', ["b"]],
    // A name of the one kind that looks like the other.
    ["DNS:spiffe://td/admin, URI:host.example.org", []],
    // Segments that a reader could resolve.
    [
      "URI:spiffe://td/a/../b, URI:spiffe://td/./b, URI:spiffe://td//b, URI:spiffe://td/b/, URI:spiffe://td/..b",
      ["spiffe://td/..b"],
    ],
    // What cannot be read whole says nothing.
    ['DNS:good, "', []],
    ["DNS:good,URI:spiffe://td/a", []],
    [`DNS:good, URI:spiffe://td/${"x".repeat(3_000)}`, ["good"]],
  ])("%j", (text, wanted) => {
    expect(identitiesIn(text)).toEqual(wanted);
  });

  test("of a real certificate whose names try to be others", () => {
    const uris = ["spiffe://td/a, DNS:admin.example.org", "spiffe://td/b"];
    const { cert } = createAuthority("ca").issue({ uris, dns: ["x.example.org\nURI:spiffe://td/c"] });
    expect(identitiesIn(new X509Certificate(cert).subjectAltName)).toEqual(["spiffe://td/b"]);
  });
});

describe("rules", () => {
  test.each([
    [
      "spiffe://td/ns/a/sa/envoy",
      ["spiffe://td/ns/a/sa/envoy"],
      ["spiffe://td/ns/a/sa/envoy2", "spiffe://TD/ns/a/sa/envoy"],
    ],
    [
      "spiffe://td/ns/*/sa/envoy",
      ["spiffe://td/ns/b/sa/envoy"],
      ["spiffe://td/ns/b/c/sa/envoy", "spiffe://td/ns/sa/envoy"],
    ],
    ["spiffe://td/ns/*", ["spiffe://td/ns/b"], ["spiffe://td/ns", "spiffe://td/ns/b/c", "spiffe://other/ns/b"]],
    [
      "spiffe://td/ns/**",
      ["spiffe://td/ns/b", "spiffe://td/ns/b/c"],
      ["spiffe://td/ns", "spiffe://td/nsx/b", "spiffe://td.evil/ns/b"],
    ],
    ["spiffe://td/**", ["spiffe://td/a"], ["spiffe://td", "spiffe://td2/a"]],
    ["Envoy.Example.org", ["envoy.example.org"], ["a.envoy.example.org", "envoy.example.org.evil"]],
    ["*.example.org", ["a.example.org"], ["example.org", "a.b.example.org", "aexample.org", "spiffe://a.example.org"]],
  ])("%s", (rule, allowed, others) => {
    const { allows } = accessOf([rule]);
    expect([...allowed, ...others].filter((identity) => allows([identity]))).toEqual(allowed);
  });

  test("one of several is enough, and nobody is never enough", () => {
    const { allows } = accessOf(["a.example.org", "spiffe://td/*"]);
    expect([allows(["x", "spiffe://td/e"]), allows([]), allows(["x", "y"])]).toEqual([true, false, false]);
  });
});
