/** The files that are the same for every fleet, or for every fleet with HTTP/3. */
import type { FleetIr } from "../../ir/index.ts";
import type { RenderedFile } from "../target.ts";
import { block } from "./blocks.ts";
import { commonView, serverPartsView } from "./common.ts";
import { speaksHttp3 } from "./http3.ts";
import type { Block } from "./views.ts";

/** The agent reads it through a symbolic link to the whole folder. */
const FILE_MODE = 0o644;

function file(path: string, { text }: Block): RenderedFile {
  return { path, text, mode: FILE_MODE };
}

function filesFor(http3: boolean): readonly RenderedFile[] {
  return [
    file("common.conf", block("common", commonView(http3))),
    file("proxy-headers.conf", block("proxyHeaders", {})),
    file("server.conf", block("serverParts", serverPartsView())),
  ];
}

const USUAL = filesFor(false);
const WITH_HTTP3 = filesFor(true);

/** Those of a fleet. */
export function fixedFiles(ir: FleetIr): readonly RenderedFile[] {
  return speaksHttp3(ir) ? WITH_HTTP3 : USUAL;
}
