import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { busySockets, isSame, overlaps, whyTaken } from "./busySockets.ts";

const taken = createSocket("udp4");
let port = 0;

beforeAll(async () => {
  taken.bind(0, "127.0.0.1");
  await once(taken, "listening");
  port = taken.address().port;
});

afterAll(() => void taken.close());

test("a UDP port that somebody has is taken for UDP and free for TCP", async () => {
  const socket = `127.0.0.1:${port}`;
  expect(await busySockets([`${socket}/udp`, socket])).toEqual([{ socket: `${socket}/udp`, error: "EADDRINUSE" }]);
  const place = { address: "127.0.0.1", port };
  expect(await whyTaken({ ...place, transport: "udp" }, [])).toBe("EADDRINUSE");
  expect(await whyTaken({ ...place, transport: "udp" }, [place])).toBe("EADDRINUSE");
  expect(await whyTaken(place, [{ ...place, transport: "udp" }])).toBeNull();
});

test("beside a place of its own that overlaps, who has a UDP port is read from the kernel", async () => {
  const own = { address: "0.0.0.0", port, transport: "udp" } as const;
  // Only `taken` has the port: it stands for the own socket.
  expect(await whyTaken({ address: "127.0.0.1", port, transport: "udp" }, [own])).toBeNull();
});

test("TCP and UDP neither are the same nor overlap", () => {
  const tcp = { address: "0.0.0.0", port: 53 };
  const udp = { address: "127.0.0.1", port: 53, transport: "udp" } as const;
  expect(isSame(tcp, { ...tcp, transport: "udp" })).toBe(false);
  expect(overlaps(tcp, udp)).toBe(false);
  expect(overlaps({ ...tcp, transport: "udp" }, udp)).toBe(true);
});
