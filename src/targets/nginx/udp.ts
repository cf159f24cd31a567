/** UDP ports: a file with one stream server each. */
import type { UdpPortIr } from "../../ir/index.ts";
import { block } from "./blocks.ts";
import { hostAndPort } from "./hostAndPort.ts";
import { streamFile, underscored } from "./names.ts";
import { comment, milliseconds, param, variable, word } from "./quote.ts";
import { sharesView } from "./splits.ts";
import { sessionUpstream } from "./udpSupport.ts";

/** A session is its client: so a new worker, which knows no sessions, sends it where the old one did. */
const SESSION = param(variable("remote_addr"), ":", variable("remote_port"));
/** A packet is told apart by worker, number and time. */
const PACKET = param(variable("pid"), ":", variable("connection"), ":", variable("msec"));

/** Path and text of one port's file. */
export function lowerUdpPort(port: UdpPortIr): { readonly path: string; readonly text: string } {
  const { split, perPacket } = port;
  const [name = port.id] = port.listeners;
  const targets = split.map(({ cluster }) => (perPacket ? cluster : sessionUpstream(cluster)));
  const drawn = variable(`split_${underscored(name)}`);
  const isSplit = split.length > 1;
  const target = isSplit ? drawn : targets[0];
  const shares = () => ({
    comment: comment(name),
    seed: perPacket ? PACKET : SESSION,
    name: drawn,
    shares: sharesView(split, targets),
  });
  const view = {
    comment: comment(`${name}: ${hostAndPort(port.address, port.port)}, UDP`),
    split: isSplit ? block("split", shares()) : null,
    listen: word(hostAndPort(port.address, port.port)),
    target: target === undefined ? null : param(target),
    idleTimeout: milliseconds(port.idleTimeoutMs),
    perPacket,
  };
  return { path: streamFile(port), text: block("udpServer", view).text };
}
