/** From views to text: a template renders one view. What did not change in the IR reaches this file as text already. */
import { createHash } from "node:crypto";
import type { FleetIr } from "../../ir/index.ts";
import { hashSteps } from "../../util/hash.ts";
import { mapSteps, type Steps } from "../../util/steps.ts";
import { landingPlace, loadTemplates, templateFolder } from "../../util/templates.ts";
import type { RenderedFile, RenderedFiles } from "../target.ts";
import { type LoweredFleet, lowerFleet } from "./lower.ts";
import { mapsOf, type SizedMap } from "./maps.ts";
import { places, word } from "./quote.ts";
import type { Block, HttpView, StreamView, Views } from "./views.ts";

const templates = loadTemplates({ folder: templateFolder("nginx"), places });
/** Only what a template of ours rendered is a block. */
const asBlock = landingPlace("block");
/** The agent reads it through a symbolic link to the whole folder. */
const FILE_MODE = 0o644;
const GENERATION_HEX_DIGITS = 16;

/** Renders a fleet to `nginx.conf`. Deterministic; `ir.ports[].virtualHosts[].groups` must be there. */
export function* renderNginx(ir: FleetIr): Steps<RenderedFiles> {
  const fleet = yield* lowerFleet(ir, block);
  const { tcp } = fleet;
  const http = block("http", yield* httpView(fleet));
  const stream = tcp.ports.length === 0 ? null : block("stream", yield* streamView(tcp));
  yield;
  const files = [{ path: "nginx.conf", text: block("nginx", { http, stream }).text, mode: FILE_MODE }];
  yield;
  return { kind: "files", files, generation: yield* generationOf(files) };
}

function block<Name extends keyof Views>(name: Name, view: Views[Name]): Block {
  return asBlock(templates.render(name, view));
}

function* httpView(fleet: LoweredFleet): Steps<HttpView> {
  const maps = yield* mapsOf(fleet);
  yield;
  return {
    keepaliveMin: fleet.keepaliveMin,
    ...hashSizes(maps, fleet.splits.length),
    maps: yield* mapSteps(maps, ({ view }) => block("map", view)),
    splits: yield* mapSteps(fleet.splits, (view) => block("split", view)),
    upstreams: fleet.upstreams,
    servers: yield* mapSteps(fleet.servers, ({ view }) => block("server", view)),
  };
}

function* streamView({ ports, upstreams }: LoweredFleet["tcp"]): Steps<StreamView> {
  const splits = new Map(ports.flatMap(({ split }) => (split === null ? [] : [[split.name, split.view] as const])));
  const sorted = [...splits].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    splits: yield* mapSteps(sorted, ([, view]) => block("split", view)),
    upstreams,
    servers: ports.map(({ server }) => server),
  };
}

/** nginx's own variables and ours that the template names, about twice what 1.22 has. */
const FIXED_VARIABLES = 400;
/** A bucket holds a pointer, a length and the key of each entry, and a final pointer. */
const BUCKET_OVERHEAD_BYTES = 64;
const MIN_BUCKET_BYTES = 256;
/** Slots for each key: more make nginx find a layout at once, at eight bytes each. */
const SLOTS_PER_KEY = 4;
const MIN_SLOTS = 4096;

/** nginx refuses, or builds slowly, hash tables that the configured sizes do not fit; powers of two keep the lines stable. */
function hashSizes(maps: readonly SizedMap[], splits: number) {
  let keys = 0;
  let longestKey = 0;
  for (const map of maps) {
    keys = Math.max(keys, map.count);
    longestKey = Math.max(longestKey, map.longestKey);
  }
  const variables = maps.length + splits + FIXED_VARIABLES;
  return {
    mapHashMaxSize: word(powerOfTwo(Math.max(MIN_SLOTS, keys * SLOTS_PER_KEY))),
    mapHashBucketSize: word(powerOfTwo(Math.max(MIN_BUCKET_BYTES, longestKey + BUCKET_OVERHEAD_BYTES))),
    variablesHashMaxSize: word(powerOfTwo(Math.max(MIN_SLOTS, variables * SLOTS_PER_KEY))),
  };
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast));
}

function* generationOf(files: readonly RenderedFile[]): Steps<string> {
  const hash = createHash("sha256");
  for (const { path, text, mode } of files) {
    hash.update(`${path}\0${mode}\0${Buffer.byteLength(text)}\0`);
    yield;
    yield* hashSteps(hash, text);
  }
  return hash.digest("hex").slice(0, GENERATION_HEX_DIGITS);
}
