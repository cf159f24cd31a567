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
 * Host without port and a dot at its end, in lower case, is the server name, which Envoy has in lower case. What is no host at all is
 * the guards', which refuse it.
 */
const SCRIPT = `
function envoy_on_request(request)
  local info = request:streamInfo()
  local asked = info:requestedServerName()
  local authority = request:headers():get(":authority") or ""
  local host = authority:lower():gsub(":%d*$", ""):gsub("%.$", "")
  if asked ~= "" and host ~= asked and host:find("^[%w%.%-_%[%]:]+$") then
    request:respond({[":status"] = "${MISDIRECTED_STATUS}"}, ${JSON.stringify(MISDIRECTED_BODY)})
    return
  end
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

/** Formats of what the filter has noted: nothing where it has nothing. */
export const NOTED = {
  certificate: `%DYNAMIC_METADATA(${NAMESPACE}:certificate)%`,
  verified: `%DYNAMIC_METADATA(${NAMESPACE}:verified)%`,
} as const;

/** What endpoints are told: what clients send under this name was removed before. */
export const clientCertificateField = {
  header: { key: CLIENT_CERTIFICATE_FIELD.toLowerCase(), value: NOTED.certificate },
  appendAction: Append.OVERWRITE_IF_EXISTS_OR_ADD,
} as const;

/** None: nothing is asked of clients. */
export function clientFilters(clients: ClientAuthenticationIr | null): readonly HttpFilter[] {
  if (clients === null) return [];
  const inlineString = `local FORWARDS = ${clients.forwards}\n${SCRIPT}`;
  const lua = create(LuaSchema, { defaultSourceCode: { specifier: { case: "inlineString", value: inlineString } } });
  return [
    create(HttpFilterSchema, {
      name: "envoy.filters.http.lua",
      configType: { case: "typedConfig", value: pack(LuaSchema, lua) },
    }),
  ];
}
