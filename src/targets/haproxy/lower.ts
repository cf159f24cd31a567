/** From IR to the views of all sections and the files beside the configuration. Pure; caches by identity of IR nodes. */
import type { FleetIr } from "../../ir/index.ts";
import type { Steps } from "../../util/steps.ts";
import type { Quoted } from "../../util/templates.ts";
import type { Version } from "../target.ts";
import { type ClusterBackends, clusterBackends, lowerResponds, type RespondView } from "./backends.ts";
import { type Use, usesOf } from "./fragment.ts";
import { type HttpPortView, lowerHttpPort } from "./httpPort.ts";
import { NO_PORT_FRONTEND, weightsMap } from "./names.ts";
import { name } from "./quote.ts";
import { lowerTcpPort, rangeLines, type TcpPortView } from "./tcpPort.ts";
import { fleetVersion } from "./version.ts";

/**
 * `noPort.hbs`. HAProxy does not start without a listener, and would keep serving the ports that were deleted; so it gets one in
 * the abstract namespace of its machine, which no client reaches. It carries the fleet's name because two processes cannot share it.
 */
export interface NoPortView {
  readonly name: Quoted<"name">;
  readonly fleet: Quoted<"name">;
}

/** A fleet, section by section. */
export interface FleetView {
  readonly httpPorts: readonly HttpPortView[];
  readonly tcpPorts: readonly TcpPortView[];
  /** Null: there are ports. */
  readonly noPort: NoPortView | null;
  readonly version: Version;
  /** Lowered one by one, because most are cached as text. */
  readonly clusters: readonly ClusterBackends[];
  readonly respond: RespondView | null;
  /** Path -> content of maps and bodies. */
  readonly files: ReadonlyMap<string, string>;
}

/** All views of a fleet. Throws on what the model should have refused. */
export function* lower(ir: FleetIr): Steps<FleetView> {
  const files = new Map<string, string>();
  const uses = new Map<string, Use>();
  const httpPorts: HttpPortView[] = [];
  const tcpPorts: TcpPortView[] = [];
  for (const port of ir.ports) {
    if (port.kind === "http") {
      const lowered = yield* lowerHttpPort(port);
      httpPorts.push(lowered.view);
      for (const [path, text] of lowered.maps) files.set(path, text);
      for (const [key, use] of lowered.uses) uses.set(key, use);
    } else {
      const lowered = lowerTcpPort(port);
      tcpPorts.push(lowered.view);
      for (const [path, text] of lowered.maps) files.set(path, text);
    }
    yield;
  }
  for (const { key, weights } of usesOf(uses, "weights")) {
    const places = weights.map((_, place) => String(place));
    files.set(weightsMap(key), rangeLines(weights, places));
  }
  const responds = yield* lowerResponds(uses);
  for (const [path, text] of responds.files) files.set(path, text);
  const version = fleetVersion(ir);
  const noPort = ir.ports.length > 0 ? null : { name: name(NO_PORT_FRONTEND), fleet: name(ir.name) };
  return { httpPorts, tcpPorts, noPort, version, clusters: clusterBackends(ir), respond: responds.view, files };
}
