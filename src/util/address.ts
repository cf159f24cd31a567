/** Addresses to listen on. */
import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether only this machine can reach it. A name other than `localhost` may resolve to anything, so it cannot be known. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}

/** `127.0.0.1:8400`, `[::1]:8400`, `localhost`; port 0 when there is none. Null when it is no address. */
export function splitAddress(address: string): { host: string; port: number } | null {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(address);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? 0);
  return host === undefined || port > 65_535 ? null : { host, port };
}
