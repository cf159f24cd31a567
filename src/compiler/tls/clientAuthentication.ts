/** What a listener asks of its clients' certificates. */
import { defaults } from "../../gen/defaults.ts";
import type { ClientAuthenticationIr } from "../../ir/index.ts";
import type { Listener, Snapshot } from "../../model/index.ts";
import { compareText } from "../../util/sorted.ts";

/** Null: none is asked for. */
export function clientAuthentication({ tls }: Listener, { authority }: Snapshot): ClientAuthenticationIr | null {
  const own = tls?.clientAuthentication;
  if (own === undefined) return null;
  const { mode, forward = defaults["listener.tls.clientAuthentication.forward"] } = own;
  const authorities = [...own.authorities].sort(compareText);
  const revokes = authorities.some((name) => authority.get(name)?.body.crl !== undefined);
  return { mode, authorities, revokes, forwards: forward === "xfcc" };
}
