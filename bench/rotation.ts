/**
 * `npm run bench:rotation -- [CHANGES]`: a certificate is replaced so often (default 20) on three proxies under load. Prints the tables of
 * docs/certificates.md. Status 1 when a handshake fails, a request does that met no reload of nginx on a kept connection, or HAProxy
 * reloads.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rotatingProxies, startRotation } from "../e2e/harness/rotation.ts";

const CHANGES = Number(process.argv[2] ?? 20);

const folder = await mkdtemp(join(tmpdir(), "trimtab-rotation-"));
const run = await startRotation(folder, CHANGES + 1);
try {
  // The first would wait for the pause after the start.
  await run.measure(1);
  const { rows, shownAfter, nginx, haproxy, shownToEndpoint, envoyListeners } = await run.measure(CHANGES);
  console.log(`${CHANGES} certificates\n`);
  console.log("| proxy | client | handshakes: failed of | requests: failed of | sent again |\n|---|---|---|---|---|");
  for (const { proxy, protocol, isKept, handshakes, failedHandshakes, sent, failed, refused, reasons } of rows) {
    const client = `${protocol === "h2" ? "HTTP/2" : "HTTP/1.1"}, ${isKept ? "kept" : "fresh"}`;
    const counts = [`${failedHandshakes} of ${handshakes}`, `${failed} of ${sent}`, refused];
    console.log(`| ${[proxy, client, ...counts].join(" | ")} |`);
    if (reasons.length > 0) console.error(`${proxy}, ${client}: ${[...new Set(reasons)].join("; ")}`);
  }
  console.log("\n| from the PUT to the first handshake with it, ms | median | slowest |\n|---|---|---|");
  for (const proxy of rotatingProxies) {
    const sorted = [...shownAfter[proxy]].sort((a, b) => a - b).map(Math.round);
    console.log(`| ${proxy} | ${sorted[Math.floor(sorted.length / 2)]} | ${sorted.at(-1)} |`);
  }
  console.log(`\nnginx: ${nginx.reloads} reloads`);
  console.log(`HAProxy: ${haproxy.reloads} reloads, ${haproxy.runtimeChanges} changes without`);
  console.log(`The endpoint was shown ${shownToEndpoint} certificates`);
  console.log(`Envoy: ${JSON.stringify(envoyListeners)}`);
  const broken = rows.some(
    ({ proxy, isKept, failed, failedHandshakes }) =>
      failedHandshakes > 0 || (failed > 0 && !(proxy === "nginx" && isKept)),
  );
  process.exitCode = broken || haproxy.reloads > 0 ? 1 : 0;
} finally {
  await run.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
