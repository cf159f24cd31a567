/** What everything that is written for one listener depends on beside its own nodes. */
import type { HttpPortIr } from "../../ir/index.ts";
import type { TemplateSet } from "../../util/templates.ts";
import { isSameShape, type ListenerShape } from "./shape.ts";

/** A port, its name, its form, and what renders templates. */
export interface ListenerContext {
  readonly port: Pick<HttpPortIr, "address" | "port">;
  /** The first listener of the socket. */
  readonly listener: string;
  readonly shape: ListenerShape;
  readonly section: TemplateSet["render"];
}

/** Whether the same is written for the same nodes. */
export function isSameContext(a: ListenerContext, b: ListenerContext): boolean {
  return a.listener === b.listener && a.port.port === b.port.port && isSameShape(a.shape, b.shape);
}
