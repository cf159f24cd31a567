/** Commands against a server that speaks TLS and asks for a certificate. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi, type TestApi } from "../api/apiHarness.ts";
import { createAuthority } from "../xds/testingCertificates.ts";
import { type Bench, openBench } from "./cliHarness.ts";

const authority = createAuthority("ca");
let bench: Bench;
let api: TestApi;
let url: string;
let paths: Readonly<Record<"ca" | "cert" | "key" | "open", string>>;

beforeAll(async () => {
  bench = openBench();
  const put = (name: string, text: string, mode = 0o600): string => {
    const path = join(bench.dir, name);
    writeFileSync(path, text, { mode });
    return path;
  };
  const { cert, key } = authority.issue({ ips: ["127.0.0.1"] });
  const shown = authority.issue({ dns: ["ops.example.org"] });
  const ca = put("ca.pem", authority.cert, 0o644);
  paths = { ca, cert: put("c.pem", shown.cert), key: put("k.pem", shown.key), open: put("open.pem", shown.key, 0o644) };
  const files = { cert: put("server.pem", cert), key: put("server.key", key), clientCa: ca };
  const clock = { now: () => new Date(), after: () => () => {} };
  api = await startApi({ tls: { files, clock } });
  url = `https://${await api.api.listen("127.0.0.1:0")}`;
});
afterAll(async () => {
  await api.close();
  bench.close();
});

const history = (...flags: string[]) => bench.run("history", "--server", url, ...flags);

test("--ca says whom to believe, --cert and --key are shown", async () => {
  const { ca, cert, key } = paths;
  expect(await history("--ca", ca, "--cert", cert, "--key", key)).toMatchObject({ code: 0, err: "" });
});

test("what is missing or no good is one line that names it", async () => {
  const { ca, cert, key, open } = paths;
  const wrong = async (...flags: string[]): Promise<string> => {
    const { code, err } = await history(...flags);
    expect([code, err.split("\n").length]).toEqual([1, 2]);
    return err;
  };
  expect(await wrong("--cert", cert, "--key", key)).toMatch(/\([A-Z_]+: --ca names the authorities/);
  expect(await wrong("--ca", ca)).toContain("CERTIFICATE");
  expect(await wrong("--ca", ca, "--cert", cert)).toContain("--cert and --key go together");
  expect(await wrong("--ca", key)).toContain("holds no certificate (PEM)");
  expect(await wrong("--ca", ca, "--cert", cert, "--key", open)).toContain("others may read it (mode 0644)");
});
