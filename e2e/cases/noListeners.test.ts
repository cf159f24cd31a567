/** All listeners deleted: every proxy closes its ports, and opens them again when they come back. */
import { connect } from "node:net";
import { expect, it } from "vitest";
import { must } from "../harness/api.ts";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { base } from "../harness/model.ts";
import { until } from "../harness/process.ts";
import { reloadFileProxies, serve } from "../harness/serve.ts";

function isOpen(proxy: ProxyName, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: e2e().proxies[proxy].address, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

it("closes every port, and opens them again", async () => {
  const { program, ports } = e2e();
  await serve({});
  for (const proxy of proxyNames) expect(await isOpen(proxy, ports.http), proxy).toBe(true);
  const { fleets } = base(ports, "none");
  await must(program.api, "PUT /v1/config", { body: { fleets, listeners: [], routes: [] } });
  // Twice: the second time one configuration without a listener takes the place of another.
  for (let reload = 0; reload < 2; reload++) {
    await reloadFileProxies();
    for (const proxy of proxyNames) {
      await until(`${proxy} refuses connections`, async () => ((await isOpen(proxy, ports.http)) ? null : true));
    }
  }
  await serve({});
  for (const proxy of proxyNames) expect(await isOpen(proxy, ports.http), proxy).toBe(true);
});
