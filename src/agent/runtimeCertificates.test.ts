/** Certificates of the real HAProxy are replaced while it runs: no reload, and keys stay where they belong. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { leakIn, newPrivateKey } from "../secrets/testing.ts";
import {
  AUTHORITY,
  CERTIFICATES,
  LATER_REVOCATIONS,
  OTHER_AUTHORITY,
  REVOCATIONS,
} from "../suite/arbitrary/certificates.ts";
import { runtimeChange } from "../targets/haproxy/runtimeChange.ts";
import { createAuthority } from "../xds/testingCertificates.ts";
import { haproxyAdapter } from "./adapters/haproxy.ts";
import { askHaproxy } from "./adapters/haproxySocket.ts";
import { createFileAgent, type FileAgent } from "./fileAgent.ts";
import { freePort, scratchDir } from "./testSupport.ts";
import type { AgentEvent, AgentFile, AgentFiles, FindRuntimeChange } from "./types.ts";

const HOST = "a.example.com";
const REFERENCE = "sealed:privateKey:one:two";
const authority = createAuthority("runtime");
/** What the proxy shows: certificates that come one after the other. */
const [first, second, third] = [1, 2, 3].map(() => authority.issue({ dns: [HOST] })) as [Issued, Issued, Issued];
type Issued = ReturnType<typeof authority.issue>;

let scratch: Awaited<ReturnType<typeof scratchDir>>;
let agent: FileAgent;
let events: AgentEvent[];
let port: number;
/** Ends TLS, wants a certificate, and answers with the common name's serial number of the one it is shown. */
let upstream: Server;
let find: FindRuntimeChange;
let key: string;

beforeEach(async () => {
  scratch = await scratchDir();
  port = await freePort();
  events = [];
  const { chain, privateKey } = CERTIFICATES.exampleRsa;
  upstream = createServer({ cert: chain, key: privateKey, requestCert: true, rejectUnauthorized: false }, (socket) => {
    const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? "";
    socket.on("error", () => {});
    socket.on("data", () => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${shown.length}\r\n\r\n${shown}`));
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  key = first.key;
  find = async (before, after) => runtimeChange(before.files, after.files);
  agent = createFileAgent({
    proxy: haproxyAdapter.createProxy({ runDir: scratch.path }),
    check: async () => ({ ok: true, message: "" }),
    open: () => key,
    rebound: async (text) => text,
    runtimeChange: (before, after) => find(before, after),
    takenOut: async (files) => files,
    timing: { gapMs: 100, graceMs: 1_000, retry: { firstMs: 60_000, maxMs: 60_000, waitingMs: 60_000 } },
    onEvent: (event) => events.push(event),
  });
});
afterEach(async () => {
  await agent.close();
  upstream.close();
  await scratch.remove();
});

/** What may change of the configuration. */
interface Given {
  readonly shown?: { readonly cert: string; readonly key: string };
  /** To endpoints. */
  readonly client?: Issued;
  readonly trusted?: string;
  readonly revoked?: string;
}

function files(
  generation: string,
  { shown = first, client = first, trusted = AUTHORITY, revoked = REVOCATIONS }: Given,
): AgentFiles {
  const endpoint = (upstream.address() as AddressInfo).port;
  const text = `global
  default-path config
defaults one
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
  http-reuse never
frontend client-certificates from one
  disabled
  bind 127.0.0.1:1 ssl crt certificates/client.pem
frontend f from one
  bind 127.0.0.1:${port} ssl crt-list certificates/f.list strict-sni
  default_backend c
backend c from one
  default-server ssl sni str(${HOST}) verify required verifyhost ${HOST}
  default-server ca-file authorities/up.pem crl-file authorities/up.crl crt certificates/client.pem
  server up 127.0.0.1:${endpoint}
`;
  const plain = (path: string, content: string): AgentFile => ({ path, text: content, mode: 0o644 });
  const withKey = (path: string, { cert, key: own }: Issued): AgentFile => {
    const secrets = own.startsWith("sealed:") ? { secrets: [own] } : {};
    return { path, text: `${cert}${own}\n`, mode: 0o600, ...secrets };
  };
  return {
    generation,
    sockets: [{ address: "127.0.0.1", port, listeners: ["f"], file: "haproxy.cfg" }],
    files: [
      plain("authorities/up.crl", revoked),
      plain("authorities/up.pem", trusted),
      withKey("certificates/client.pem", client),
      plain("certificates/f.list", `certificates/f.pem [alpn h2,http/1.1] ${HOST}\n`),
      withKey("certificates/f.pem", shown),
      plain("haproxy.cfg", text),
    ],
  };
}

const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;
const cli = (command: string): Promise<string> => askHaproxy(join(scratch.path, "haproxy.sock"), command, 1_000);

function handshake(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername: HOST, rejectUnauthorized: false }, () =>
      resolve(socket),
    );
    socket.on("error", reject);
  });
}

async function shownNow(): Promise<string | undefined> {
  const socket = await handshake();
  const shown = socket.getPeerX509Certificate()?.fingerprint256;
  socket.destroy();
  return shown;
}

/** What the endpoint says, or the status. */
function ask(): Promise<string> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, servername: HOST, rejectUnauthorized: false, agent: false } as const;
    const sent = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : String(answer.statusCode)));
    });
    sent.on("error", ({ message }) => resolve(message));
    sent.end();
  });
}

const serving = (): AgentEvent | undefined => events.filter(({ kind }) => kind === "serving").at(-1);

test("what a listener shows: at once, connections stay, and the files follow", async () => {
  await agent.apply(files("one", {}));
  const kept = await handshake();
  let isOpen = true;
  kept.on("close", () => (isOpen = false));
  const { chain, privateKey } = CERTIFICATES.exampleRsa;
  const steps: readonly [string, Issued][] = [
    ["two", second],
    ["rsa", { cert: chain + AUTHORITY, key: privateKey }],
    ["three", third],
  ];
  for (const [generation, shown] of steps) {
    expect(await agent.apply(files(generation, { shown }))).toEqual({ outcome: "serving", generation });
    expect(await shownNow()).toBe(fingerprint(shown.cert));
    expect(await readFile(join(scratch.path, "current/certificates/f.pem"), "utf8")).toContain(shown.cert);
  }
  expect(await ask()).toBe(fingerprint(first.cert));
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: steps.length });
  expect(isOpen).toBe(true);
  kept.destroy();
});

test("what endpoints are shown, at once; whom they are taken for, with a reload", async () => {
  await agent.apply(files("one", {}));
  expect(await ask()).toBe(fingerprint(first.cert));
  const steps: readonly [Given, string, string][] = [
    [{ client: second }, fingerprint(second.cert), "runtime"],
    [{ client: second, trusted: OTHER_AUTHORITY }, "503", "reload"],
    [{ client: third, trusted: OTHER_AUTHORITY + AUTHORITY }, fingerprint(third.cert), "reload"],
    [{ client: first, trusted: OTHER_AUTHORITY + AUTHORITY }, fingerprint(first.cert), "runtime"],
    [{ client: first, revoked: LATER_REVOCATIONS }, "503", "reload"],
  ];
  for (const [index, [given, expected, applied]] of steps.entries()) {
    await agent.apply(files(`step-${index}`, given));
    expect([serving(), await ask()]).toEqual([{ kind: "serving", generation: `step-${index}`, applied }, expected]);
  }
});

test("a key is opened for the socket, and what somebody left half done there is none of it", async () => {
  await agent.apply(files("one", { shown: { cert: first.cert, key: REFERENCE } }));
  await cli(`set ssl cert certificates/f.pem <<\n${third.cert}${third.key}`);
  expect(await cli("show ssl cert")).toContain("*certificates/f.pem");
  key = second.key;
  await agent.apply(files("two", { shown: { cert: second.cert, key: REFERENCE } }));
  expect(await shownNow()).toBe(fingerprint(second.cert));
  expect(await cli("show ssl cert")).not.toContain("*certificates/f.pem");
  expect(agent.applied()).toEqual({ applied: "runtime", reloads: 0, runtimeChanges: 1 });
  expect(events.filter(({ kind }) => kind === "secrets")).toEqual(
    ["one", "two"].map((generation) => ({ kind: "secrets", generation, files: ["certificates/f.pem"] })),
  );
});

test("what HAProxy does not take ends in a reload of the files, and nothing of the key is told", async () => {
  await agent.apply(files("one", {}));
  const right = find;
  find = async (before, after) => {
    const change = await right(before, after);
    const certificates =
      change?.certificates.map((file) => ({ ...file, path: file.path.replace("f.pem", "nowhere.pem") })) ?? [];
    return change && { ...change, certificates };
  };
  await agent.apply(files("two", { shown: second }));
  expect(serving()).toMatchObject({
    applied: "reload",
    runtimeError: expect.stringMatching(/^certificates\/nowhere\.pem is not as it is to be/),
  });
  expect(await shownNow()).toBe(fingerprint(second.cert));
  find = async (before, after) => {
    const change = await right(before, after);
    // As an end of the payload in the middle of it would be: what follows is read as commands.
    const certificates =
      change?.certificates.map((file) => ({ ...file, text: file.text.replace(third.key, newPrivateKey()) })) ?? [];
    return change && { ...change, certificates };
  };
  await agent.apply(files("three", { shown: third }));
  expect(serving()).toMatchObject({
    applied: "reload",
    runtimeError: expect.stringContaining("is not as it is to be"),
  });
  expect(await shownNow()).toBe(fingerprint(third.cert));
  expect(
    events.filter((event) => [second, third].some((one) => leakIn(JSON.stringify(event), one.key) !== null)),
  ).toEqual([]);
  expect(agent.applied()).toMatchObject({ reloads: 2 });
});
