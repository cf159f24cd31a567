import { expect, test } from "vitest";
import { finish } from "../../util/steps.ts";
import { rebind } from "./rebind.ts";

const places = [
  { address: "127.0.0.1", port: 1 },
  { address: "::1", port: 2 },
];

test("every server listens at each place, the one for other hosts as the default of each", () => {
  const text = `# web: 0.0.0.0:80
  server {
    listen 0.0.0.0:80;
    server_name a;
  }
  server {
    listen 0.0.0.0:80 default_server backlog=9;
    server_name _;
  }
`;
  expect(finish(rebind(text, places))).toBe(`# web: 0.0.0.0:80
  server {
    listen 127.0.0.1:1;
    listen [::1]:2;
    server_name a;
  }
  server {
    listen 127.0.0.1:1 default_server backlog=9;
    listen [::1]:2 default_server backlog=9;
    server_name _;
  }
`);
});

test("what only looks like it stays: in strings, in comments, as the key of a map", () => {
  const lookalike = "  server {\n    listen 0.0.0.0:80;\n";
  const text = `# "  server {
  map $http_x $own {
    listen 0.0.0.0:80;
    "\\"\\\\${lookalike}\\"" "${lookalike}";
  }
  location / { return 200 "${lookalike}"; }
`;
  expect(finish(rebind(text, places))).toBe(text);
});

test("HTTP/3 listens where there is a place of UDP for it, beside TCP", () => {
  const text = (tcp: string, quic: string): string => `  server {
    listen ${tcp} ssl default_server;
${quic}    server_name _;
  }
`;
  const of = (place: string): string => `    listen ${place} quic default_server reuseport;\n`;
  const own = text("0.0.0.0:443", of("0.0.0.0:443"));
  const udp = { address: "::1", port: 2, transport: "udp" } as const;
  expect(finish(rebind(own, [...places.slice(0, 1), udp]))).toBe(text("127.0.0.1:1", of("[::1]:2")));
  expect(finish(rebind(own, places.slice(0, 1)))).toBe(text("127.0.0.1:1", ""));
});
