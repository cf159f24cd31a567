import { expect, test } from "vitest";
import { readFiles } from "./readFiles.ts";

const FILES = {
  fleet: "edge",
  proxy: "nginx",
  revision: 3,
  generation: "0a1b",
  sockets: [{ address: "127.0.0.1", port: 80, listeners: ["web"], file: "listeners/web.conf" }],
  files: [{ path: "nginx.conf", text: "events {}\n", mode: 0o644 }],
};

test("what the API gives is read as it is, but for what nobody knows; a file that does not say who may read it is its owner's", () => {
  expect(readFiles({ ...FILES, news: 1 }, "edge")).toEqual(FILES);
  const udp = { ...FILES.sockets[0], transport: "udp" };
  expect(readFiles({ ...FILES, sockets: [udp] }, "edge").sockets).toEqual([udp]);
  expect(readFiles({ ...FILES, files: [{ path: "a", text: "" }] }, "edge").files[0]?.mode).toBe(0o600);
});

test("what no agent can take is refused in one line", () => {
  const refused = (change: object, fleet = "edge"): string => {
    try {
      readFiles({ ...FILES, ...change }, fleet);
      return "taken";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refused({}, "other")).toBe('the files are of another fleet: "edge"');
  for (const proxy of ["envoy", "apache", "constructor", null])
    expect(refused({ proxy })).toMatch(/none that reads files/);
  for (const revision of [-1, 1.5, "3", null]) expect(refused({ revision })).toMatch(/^no revision/);
  for (const generation of ["", "../x", "a".repeat(65), 7]) expect(refused({ generation })).toMatch(/^no generation/);
  expect(refused({ files: {} })).toBe("no list of files");
  expect(refused({ sockets: undefined })).toMatch(/older than this agent/);
  for (const path of ["/etc/passwd", "../a", "a/../../b", "local/x.conf", "a//b", ".", "a\0b", "", 7])
    expect([path, refused({ files: [{ path, text: "", mode: 0o600 }] })]).toEqual([
      path,
      expect.stringMatching(/^a file may not be called/),
    ]);
  for (const mode of [0o4755, -1, 0.5, "644"])
    expect(refused({ files: [{ path: "a", text: "", mode }] })).toMatch(/no permissions that a file can have/);
  expect(refused({ files: [{ path: "a", mode: 0o600 }] })).toMatch(/has no text/);
  expect(refused({ files: ["a"] })).toBe("a file is no object");
  const socket = FILES.sockets[0];
  for (const change of [{ port: 0 }, { port: "80" }, { address: 1 }])
    expect(refused({ sockets: [{ ...socket, ...change }] })).toMatch(/^a socket is nowhere/);
  expect(refused({ sockets: [{ ...socket, transport: "sctp" }] })).toMatch(/no known kind/);
  expect(refused({ sockets: [{ ...socket, listeners: [1] }] })).toBe("a socket does not say whose it is");
  for (const value of [null, [], "x"]) expect(() => readFiles(value, "edge")).toThrow("the answer is no object");
});
