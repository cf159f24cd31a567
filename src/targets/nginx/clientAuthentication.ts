/**
 * Certificates of clients. nginx shakes hands with everybody and looks at what it was shown when a request comes, which it refuses by a
 * status of its own: `error_page` makes a closed connection of it. It looks once more, by itself, whether a request's host is the server
 * name that was asked for, where that is the name of a server.
 */
import {
  asksClients,
  CLIENT_CERTIFICATE_FIELD,
  type ClientAuthenticationIr,
  clientAuthenticationOf,
  type FleetIr,
  type HttpPortIr,
  type ListenerTlsIr,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
  scopeOf,
  type VirtualHostIr,
} from "../../ir/index.ts";
import { trustedName } from "../clientAuthentication.ts";
import { VERIFY_DEPTH } from "../tlsSettings.ts";
import { block } from "./blocks.ts";
import { authorityFile, revocationFile } from "./names.ts";
import type { RequestField } from "./policies/policy.ts";
import { condition, mapEntries, mapEntry, mapKey, mapRegexKey, param, variable, word } from "./quote.ts";
import type { Block } from "./views.ts";

const MODES = { require: "on", optional: "optional", report: "optional_no_ca" } as const;
/** The whole field: empty where no certificate of the authorities was shown. */
const CERTIFICATE = variable("client_certificate");
/** Whether a request is for another host than its client asked for. */
const OTHER_HOST = variable("asked_other_host");

/** Some listener of the fleet asks for certificates. */
export function asksSomeClients({ ports }: FleetIr): boolean {
  return ports.some((port) => port.kind === "http" && asksClients(port.tls));
}

/** Part of `tls.hbs`; null: no certificate is asked for. */
export function clientsView(clients: ClientAuthenticationIr | null) {
  if (clients === null) return null;
  const trusted = trustedName(clients);
  return {
    mode: word(MODES[clients.mode]),
    depth: word(VERIFY_DEPTH),
    authority: word(authorityFile(trusted)),
    revoked: clients.revokes ? word(revocationFile(trusted)) : null,
  };
}

/** In each server that asks for certificates: requests for another host than was asked for. Null: it asks for none. */
export function otherHost(tls: Pick<ListenerTlsIr, "scopes">, scope: string | null): Block | null {
  if (clientAuthenticationOf(tls, scope) === null) return null;
  return block("misdirected", {
    condition: condition(OTHER_HOST, "=", param("1")),
    status: word(MISDIRECTED_STATUS),
    body: param(MISDIRECTED_BODY),
  });
}

/** Of the http block; empty: no listener asks for certificates. */
export function clientMaps(ir: FleetIr): readonly Block[] {
  if (!asksSomeClients(ir)) return [];
  const certificate = param(
    'Cert="',
    variable("ssl_client_escaped_cert"),
    '";Subject="',
    variable("ssl_client_s_dn"),
    '"',
  );
  return [
    block("map", {
      comment: null,
      source: param(variable("ssl_server_name"), " ", variable("host")),
      name: OTHER_HOST,
      entries: mapEntries([
        mapEntry(mapRegexKey("^ "), param("")),
        mapEntry(mapRegexKey("(?i)^([^ ]+) \\1$"), param("")),
      ]),
      fallback: param("1"),
    }),
    block("map", {
      comment: null,
      source: param(variable("ssl_client_verify")),
      name: CERTIFICATE,
      entries: mapEntries([mapEntry(mapKey("SUCCESS"), certificate)]),
      fallback: param(""),
    }),
  ];
}

/** Whether endpoints of these hosts are told. */
export function forwardsCertificate(
  { tls }: Pick<HttpPortIr, "tls">,
  { hostnames: [first = ""] }: VirtualHostIr,
): boolean {
  return tls !== null && clientAuthenticationOf(tls, scopeOf(tls.scopes, first))?.forwards === true;
}

/** What an endpoint is told. */
export function certificateFields(forwards: boolean): readonly RequestField[] {
  return forwards ? [{ name: word(CLIENT_CERTIFICATE_FIELD), value: param(CERTIFICATE) }] : [];
}
