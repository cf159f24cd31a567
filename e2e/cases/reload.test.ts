/** Changes under traffic: no proxy answers wrongly or drops a new connection while it goes over to a new configuration. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { e2e, type ProxyName, proxyNames } from "../harness/context.ts";
import { cluster, route } from "../harness/model.ts";
import { send } from "../harness/rawHttp.ts";
import { applyPart, echoOf, serve } from "../harness/serve.ts";
import { startEcho, type Upstream } from "../harness/upstream.ts";

const CHANGES = 6;
const host = "reload.e2e.example";
let upstreams: Upstream[];

const toward = (name: string): object => ({ routes: [route("reload", host, { split: [{ cluster: name }] })] });

beforeAll(async () => {
  upstreams = await Promise.all(["reload-a", "reload-b"].map((name) => startEcho(name)));
  await serve({ clusters: upstreams.map(({ name, port }) => cluster(name, port)), ...toward("reload-a") });
});

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

it(`${CHANGES} changes lose no request`, async () => {
  const { proxies, ports } = e2e();
  let on = true;
  const traffic = async (proxy: ProxyName): Promise<{ proxy: ProxyName; sent: number; failures: string[] }> => {
    const failures: string[] = [];
    let sent = 0;
    while (on) {
      sent += 1;
      const at = { address: proxies[proxy].address, port: ports.http };
      const told = await send(at, { path: "/", host }).then(
        (answer) => echoOf(answer)?.name ?? `${answer.status} ${answer.body}`,
        String,
      );
      if (!/^reload-[ab]$/.test(told)) failures.push(told);
    }
    return { proxy, sent, failures };
  };
  const running = proxyNames.map(traffic);
  for (let change = 0; change < CHANGES; change++) await applyPart(toward(change % 2 === 0 ? "reload-b" : "reload-a"));
  on = false;
  for (const { proxy, sent, failures } of await Promise.all(running)) {
    expect(sent, proxy).toBeGreaterThan(50);
    expect(failures, proxy).toEqual([]);
  }
});
