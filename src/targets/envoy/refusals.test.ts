import { expect, it } from "vitest";
import { readRefusal } from "./refusals.ts";

it.each([
  ["Error adding/updating listener(s) b: cannot bind '127.0.0.1:80': Address already in use", "passing"],
  ["Error adding/updating listener(s) b: cannot bind '10.9.9.9:80': Cannot assign requested address", "passing"],
  ["Error adding/updating listener(s) b: cannot bind '127.0.0.1:80': Permission denied", "final"],
  ["error adding listener: 'b' has duplicate address '127.0.0.1:80' as existing listener, to check", "occupied"],
  ["Proto constraint validation failed (ClusterValidationError.Name: value length)", "final"],
])("%s: %s", (message, kind) => {
  expect(readRefusal("type.googleapis.com/envoy.config.listener.v3.Listener", message)).toBe(kind);
});
