import { expect, it } from "vitest";
import { readBindErrors, readRefusal } from "./refusals.ts";

it.each([
  ["Error adding/updating listener(s) b: cannot bind '127.0.0.1:80': Address already in use", "passing"],
  ["Error adding/updating listener(s) b: cannot bind '10.9.9.9:80': Cannot assign requested address", "passing"],
  ["Error adding/updating listener(s) b: cannot bind '127.0.0.1:80': Permission denied", "passing"],
  ["error adding listener: 'b' has duplicate address '127.0.0.1:80' as existing listener, to check", "occupied"],
  ["Proto constraint validation failed (ClusterValidationError.Name: value length)", "final"],
])("%s: %s", (message, kind) => {
  expect(readRefusal("type.googleapis.com/envoy.config.listener.v3.Listener", message)).toBe(kind);
});

it("tells of each listener whose socket cannot be opened why", () => {
  const message = `Error adding/updating listener(s) http-a-80: cannot bind '127.0.0.1:80': Address already in use
tcp-b-1: cannot bind '[::1]:1': Permission denied
quic-c-443: cannot bind '127.0.0.1:443': Address already in use
other: something else`;
  expect(readBindErrors(message)).toEqual([
    ["http-a-80", "127.0.0.1:80 is in use"],
    ["tcp-b-1", "[::1]:1 needs more rights than this user has"],
    ["quic-c-443", "UDP 127.0.0.1:443 is in use"],
  ]);
});
