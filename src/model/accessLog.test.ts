/** Where an access log may go: a model must not make a proxy, which may run as root, append to any other file. */
import { expect, test } from "vitest";
import { validateConfig } from "./index.ts";

function codesOf(accessLog: object): string[] {
  const { diagnostics } = validateConfig({ fleets: [{ name: "edge", proxy: "nginx", accessLog }] });
  return diagnostics.map(({ code, pointer }) => `${code} ${pointer}`);
}

test.each([
  "/dev/stdout",
  "/var/log/edge.log",
  "/var/log/nginx/edge-1.access.jsonl",
  "/srv/a_b/c.d/e.jsonl",
  "/l.ndjson",
])("%s", (path) => {
  expect(codesOf({ path })).toEqual([]);
});

test.each([
  "",
  "edge.log",
  "/dev/stderr",
  "/etc/passwd",
  "/etc/docker/daemon.json",
  "/etc/cron.d/job",
  "/srv/git/.ssh/authorized_keys",
  "/var/log/../../etc/edge.log",
  "/var/log/./edge.log",
  "/var//log/edge.log",
  "/var/log/.log",
  "/var/log/edge.log/",
  "/var/log/edge.log\n",
  "/var/log/a b.log",
  "/var/log/$host.log",
  "/var/log/a;b.log",
  "/var/log/a'.log",
  "syslog:server=10.0.0.1",
  `/${"a".repeat(260)}.log`,
])("%j is refused", (path) => {
  const [first, ...others] = codesOf({ path });
  expect(first).toMatch(
    /^SCHEMA-(?:FORMAT|LIMIT) \/accessLog\/path$|^SCHEMA-(?:FORMAT|LIMIT) \/fleets\/0\/accessLog\/path$/,
  );
  expect(others.every((code) => code.startsWith("SCHEMA-"))).toBe(true);
});

test("only known fields, each once, and a share of 1 to 100", () => {
  expect(codesOf({ fields: ["time", "authorization"], samplePercent: 0 })).toEqual([
    expect.stringContaining("SCHEMA-NOT-ALLOWED"),
    expect.stringContaining("SCHEMA-LIMIT"),
  ]);
  expect(codesOf({ fields: [], samplePercent: 101 })).toHaveLength(2);
  expect(codesOf({ fields: ["time", "time"], samplePercent: 1 })).toHaveLength(1);
});
