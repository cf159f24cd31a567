/** A certificate that is replaced under load is shown at once, and nobody notices: Envoy and HAProxy keep connections, nginx reloads. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e } from "../harness/context.ts";
import { type Rotation, type RotationRun, startRotation } from "../harness/rotation.ts";

/** `npm run bench:rotation` makes twenty. */
const CHANGES = 2;

let run: RotationRun;
let rotation: Rotation;

beforeAll(async () => {
  run = await startRotation(await mkdtemp(join(e2e().workDir, "rotation-")), CHANGES);
  rotation = await run.measure(CHANGES);
});
afterAll(() => run.close());

it("no handshake fails, and no request but those that meet nginx's reload on a connection that is kept", () => {
  const failures = rotation.rows.flatMap(({ proxy, protocol, isKept, failedHandshakes, failed, reasons }) => {
    // See docs/certificates.md.
    const count = failedHandshakes + (proxy === "nginx" && isKept ? 0 : failed);
    return count === 0 ? [] : [`${proxy}, ${protocol}: ${reasons.join("; ")}`];
  });
  expect(failures).toEqual([]);
  for (const { sent } of rotation.rows) expect(sent).toBeGreaterThan(10);
});

it("connections to Envoy and HAProxy stay", () => {
  const kept = rotation.rows.filter(({ proxy, isKept }) => isKept && proxy !== "nginx");
  expect(kept.map(({ handshakes }) => handshakes)).toEqual([1, 1, 1, 1]);
});

it("the endpoint is shown the new ones", () => {
  expect(rotation.shownToEndpoint).toBe(CHANGES + 1);
});

it("HAProxy takes it without a reload, nginx with one for each, and Envoy touches no listener", () => {
  expect(rotation.haproxy).toEqual({ reloads: 0, runtimeChanges: CHANGES });
  expect(rotation.nginx).toEqual({ reloads: CHANGES, runtimeChanges: 0 });
  expect([...new Set(Object.values(rotation.envoyListeners))]).toEqual([0]);
});
