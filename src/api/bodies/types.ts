/** What goes to a worker and what comes back. */
import type { Diagnostic } from "../../errors/diagnostic.ts";
import type { Sound, Unsound } from "./checked.ts";
import type { Bounds } from "./outline.ts";

/** What a body claims to be. */
export type Format = "json" | "yaml";

/** A body as it came. */
export interface UncheckedBody {
  /** Without byte-order mark. Its memory is handed over. */
  readonly bytes: Uint8Array;
  readonly format: Format;
  /** One resource, or a whole configuration. */
  readonly isResource: boolean;
  readonly bounds: Bounds;
}

/** A sound body: JSON text, and where it is cut. */
export interface CheckedBody extends Pick<Sound, "kind" | "runs" | "inObject" | "largeItem"> {
  /** Of YAML: what it says, as JSON. */
  readonly bytes: Uint8Array;
  /** As JSON text. */
  readonly frame: string;
  /** Memory of the text and of the value that it says, at most. */
  readonly needs: number;
}

/** A configuration of which only its shape can be told. */
export interface Misshapen {
  readonly kind: "misshapen";
  readonly diagnostics: readonly Diagnostic[];
}

/** What a worker makes of a body. */
export type Answer = CheckedBody | Misshapen | Unsound;

/** What a worker says once, before all answers: it has loaded. */
export const READY = "ready";
