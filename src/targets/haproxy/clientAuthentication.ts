/** Certificates of clients: words of `bind` and of the list of certificates, and lines of the frontend. */
import {
  asksClients,
  type ClientAuthenticationIr,
  type ListenerTlsIr,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
} from "../../ir/index.ts";
import type { Quoted } from "../../util/templates.ts";
import { trustedName } from "../clientAuthentication.ts";
import { reports } from "./clientAuthenticationSupport.ts";
import { authorityFile, revocationFile } from "./names.ts";
import { name, number, plainBody } from "./quote.ts";

/** Part of `frontend.hbs`. */
export interface BindClientsView {
  readonly reports: boolean;
}

/** Null: no listener of the socket asks for certificates. */
export function bindClients(asked: readonly ClientAuthenticationIr[]): BindClientsView | null {
  return asked.length === 0 ? null : { reports: asked.some(reports) };
}

/** On a line of the list. */
export function clientWords(clients: ClientAuthenticationIr | null): readonly string[] {
  if (clients === null) return [];
  const { mode, revokes } = clients;
  const trusted = trustedName(clients);
  const list = revokes ? ["crl-file", revocationFile(trusted)] : [];
  return ["verify", mode === "require" ? "required" : "optional", "ca-file", authorityFile(trusted), ...list];
}

/** Part of `clientAuthentication.hbs`. */
interface ClientsView {
  readonly status: Quoted<"number">;
  readonly body: Quoted<"text"> | null;
  /** Listeners that ask; null: all of the socket. */
  readonly asking: readonly Quoted<"name">[] | null;
  /** Those of them that tell endpoints; null: all of the socket. */
  readonly telling: readonly Quoted<"name">[] | null;
  readonly tells: boolean;
}

/** Null: no listener of the socket asks for certificates. */
export function clientsView(tls: ListenerTlsIr | null): ClientsView | null {
  if (tls === null || !asksClients(tls)) return null;
  const { scopes } = tls;
  const those = (found: ListenerTlsIr["scopes"]) =>
    found.length === scopes.length ? null : found.map(({ listener }) => name(listener));
  const telling = scopes.filter(({ clientAuthentication }) => clientAuthentication?.forwards === true);
  return {
    status: number(MISDIRECTED_STATUS),
    body: plainBody(MISDIRECTED_BODY),
    asking: those(scopes.filter(({ clientAuthentication }) => clientAuthentication !== null)),
    telling: those(telling),
    tells: telling.length > 0,
  };
}
