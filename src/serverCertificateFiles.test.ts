/** A server with `--certificates-dir`: renewals are ordinary revisions, and a broken pair changes nothing. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { leakIn } from "./secrets/testing.ts";
import { openFolder, startTestServer } from "./testingServer.ts";
import { createAuthority } from "./xds/testingCertificates.ts";

const folder = openFolder();
afterAll(() => folder.close());

const authority = createAuthority("tests");
const [first, second, other] = [1, 2, 3].map(() => authority.issue({ dns: ["shop.example.com"] })) as [
  Made,
  Made,
  Made,
];
type Made = ReturnType<typeof authority.issue>;

const root = join(folder.dir, "live");
const at = join(root, "shop");

function put(cert: string, key: string): void {
  for (const [file, text, mode] of [
    ["fullchain.pem", cert, 0o644],
    ["privkey.pem", key, 0o600],
  ] as const) {
    writeFileSync(join(at, `.${file}`), text, { mode });
    renameSync(join(at, `.${file}`), join(at, file));
  }
}

test("what is there at the start is written, a broken pair is told, and a renewal is a revision", async () => {
  mkdirSync(at, { recursive: true });
  put(first.cert, first.key);
  const server = await startTestServer(folder.dir, ["--certificates-dir", root]);
  const chain = async (): Promise<string> =>
    JSON.parse((await server.call("GET", "/v1/certificates/shop")).text).chain as string;
  await server.line("certificate-file-taken", { certificate: "shop", revision: 1 });
  await server.line("write", { revision: 1, author: "certificates-dir", changed: ["created certificates/shop"] });
  expect(await chain()).toBe(first.cert);
  const { text } = await server.call("PATCH", "/v1/certificates/shop", {
    body: { description: "kept" },
    headers: { "content-type": "application/merge-patch+json" },
  });
  expect(JSON.parse(text).revision).toBe(2);

  put(second.cert, other.key);
  const { reason } = await server.line("certificate-file-refused", { certificate: "shop" });
  expect(reason).toMatch(/^MODEL-CERTIFICATE: /);
  expect(await chain()).toBe(first.cert);
  expect((await server.call("GET", "/metrics")).text).toContain('trimtab_certificate_file_refused{name="shop"} 1');

  put(second.cert, second.key);
  await server.line("certificate-file-taken", { certificate: "shop", revision: 3 });
  const now = JSON.parse((await server.call("GET", "/v1/certificates/shop")).text);
  expect([now.chain, now.description]).toEqual([second.cert, "kept"]);
  expect((await server.call("GET", "/metrics")).text).not.toContain("trimtab_certificate_file_refused{");
  const [newest] = JSON.parse((await server.call("GET", "/v1/revisions")).text).items;
  expect(newest).toMatchObject({ author: "certificates-dir", message: "its files have changed" });
  for (const { key } of [first, second, other]) expect(leakIn(server.output(), key)).toBeNull();
  expect(await server.stop()).toBe(0);
}, 60_000);
