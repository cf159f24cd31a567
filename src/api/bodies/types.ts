/** What goes to a worker and what comes back. */
import type { Sound } from "./checked.ts";
import type { Bounds } from "./outline.ts";

/** What a body claims to be. */
export type Format = "json" | "yaml";

/** A body as it came. */
export interface UncheckedBody {
  /** Without byte-order mark. Its memory is handed over. */
  readonly bytes: Uint8Array;
  readonly format: Format;
  readonly bounds: Bounds;
}

/** A sound body: JSON text, and where it is cut. */
export interface CheckedBody extends Pick<Sound, "kind" | "runs" | "inObject" | "containers" | "commas" | "largeItem"> {
  /** Of YAML: what it says, as JSON. */
  readonly bytes: Uint8Array;
  /** As JSON text. */
  readonly frame: string;
}
