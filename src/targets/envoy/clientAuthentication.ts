/**
 * What requests of a listener with clients' certificates meet before its other filters. No route can compare Host with the server name,
 * and a route that asks whether a certificate is good would stand a second time for every rule: so a few lines of Lua do both. They are
 * the same for every model but for the two words in front.
 */
import { create } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as Append } from "../../gen/proto/envoy/config/core/v3/base_pb.js";
import { LuaSchema } from "../../gen/proto/envoy/extensions/filters/http/lua/v3/lua_pb.js";
import {
  type HttpFilter,
  HttpFilterSchema,
} from "../../gen/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import {
  CLIENT_CERTIFICATE_FIELD,
  type ClientAuthenticationIr,
  MISDIRECTED_BODY,
  MISDIRECTED_STATUS,
} from "../../ir/index.ts";
import { pack } from "./types.ts";

/** Where the filter notes what it has found: a changed field would have the route looked for once more. */
const NAMESPACE = "trimtab.client";
/**
 * The host that the filter gives a request for another one before it answers it: the route is looked for once more, and that of the other
 * host would add its fields to the answer. No client can name it: a Host with a blank is refused before.
 */
export const MISDIRECTED_HOST = "trimtab misdirected";

/**
 * Host without port and a dot at its end, in lower case, is the server name, which Envoy has in lower case; for nearly all requests it is
 * as it stands. What is no host at all is the guards', which refuse it.
 */
const SCRIPT = `
function envoy_on_request(request)
  local info = request:streamInfo()
  local asked = info:requestedServerName()
  local authority = request:headers():get(":authority") or ""
  if authority ~= asked and asked ~= "" then
    local host = authority:lower():gsub(":%d*$", ""):gsub("%.$", "")
    if host ~= asked and host:find("^[%w%.%-_%[%]:]+$") then
      request:headers():replace(":authority", "${MISDIRECTED_HOST}")
      request:respond({[":status"] = "${MISDIRECTED_STATUS}"}, ${JSON.stringify(MISDIRECTED_BODY)})
      return
    end
  end
  if ALL_SHOW then return end
  local tls = info:downstreamSslConnection()
  if tls == nil or not tls:peerCertificatePresented() then return end
  local notes = info:dynamicMetadata()
  if not tls:peerCertificateValidated() then
    notes:set("${NAMESPACE}", "verified", "no")
    return
  end
  notes:set("${NAMESPACE}", "verified", "yes")
  if not FORWARDS then return end
  notes:set("${NAMESPACE}", "certificate", 'Cert="' .. tls:urlEncodedPemEncodedPeerCertificate() .. '";Subject="' ..
    tls:subjectPeerCertificate() .. '"')
end
`;

/** What the filter has noted: nothing where it has nothing. */
const NOTED = {
  certificate: `%DYNAMIC_METADATA(${NAMESPACE}:certificate)%`,
  verified: `%DYNAMIC_METADATA(${NAMESPACE}:verified)%`,
} as const;
/** The same where nobody gets so far without a good certificate: notes would cost as much as the rest of the filter twice. */
const SHOWN = {
  certificate: 'Cert="%DOWNSTREAM_PEER_CERT%";Subject="%DOWNSTREAM_PEER_SUBJECT%"',
  verified: "yes",
} as const;

function formatsOf(clients: ClientAuthenticationIr | null): typeof NOTED | typeof SHOWN {
  return clients?.mode === "require" ? SHOWN : NOTED;
}

/** The format of whether the client's certificate is good. */
export function verifiedFormat(clients: ClientAuthenticationIr | null): string {
  return formatsOf(clients).verified;
}

/** What endpoints are told, as a format: what clients send under this name was removed before. Empty: nothing. */
export function toldFormat(clients: ClientAuthenticationIr | null): string {
  return clients?.forwards === true ? formatsOf(clients).certificate : "";
}

/**
 * Behind the name of a route table that takes any client's certificate for a good one. A listener that lets others in has another table,
 * also in the moment in which one of both is new.
 */
export function tableSuffix(clients: ClientAuthenticationIr | null): string {
  return toldFormat(clients) === SHOWN.certificate ? "+shown" : "";
}

/** The field of `toldFormat`. */
export function toldField(value: string) {
  return {
    header: { key: CLIENT_CERTIFICATE_FIELD.toLowerCase(), value },
    appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD,
  } as const;
}

/** None: nothing is asked of clients. */
export function clientFilters(clients: ClientAuthenticationIr | null): readonly HttpFilter[] {
  if (clients === null) return [];
  const words = `local ALL_SHOW = ${clients.mode === "require"}\nlocal FORWARDS = ${clients.forwards}\n`;
  const inlineString = words + SCRIPT;
  const lua = create(LuaSchema, { defaultSourceCode: { specifier: { case: "inlineString", value: inlineString } } });
  return [
    create(HttpFilterSchema, {
      name: "envoy.filters.http.lua",
      configType: { case: "typedConfig", value: pack(LuaSchema, lua) },
    }),
  ];
}
