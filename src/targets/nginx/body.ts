/** What stands in a location. */
import { joinBlocks } from "./blocks.ts";
import type { Block } from "./views.ts";

/** What stands between the braces of a location. */
export interface Body {
  /** Lines; null: none. */
  readonly before: Block | null;
  /** The directive that ends it, without line feed. */
  readonly last: Block;
}

/** A location that is jumped to. */
export interface NamedBody {
  /** With its `@`. */
  readonly name: string;
  readonly body: Body;
}

/** Lines, and the directive behind them. */
export function bodyOf(lines: readonly Block[], last: Block): Body {
  return { before: lines.length === 0 ? null : joinBlocks(lines), last };
}
