/** The registry: every stable code, put together from the rooms' own lists. Only here are all of them in sight. */
import { cliCodes } from "../../cli/codes.ts";
import { apiCodes, combineCodes, type ErrorCodes, storeCodes } from "../../errors/codes.ts";
import { modelCodes } from "../../model/index.ts";
import { secretCodes } from "../../secrets/index.ts";
import { sharedTargetCodes } from "../../targets/codes.ts";
import { envoyCodes } from "../../targets/envoy/codes.ts";
import { haproxyCodes } from "../../targets/haproxy/codes.ts";
import { nginxCodes } from "../../targets/nginx/codes.ts";

/** By code. Two rooms that claim the same one, or a misspelt one, throw when this is loaded. */
export const errorCodes: ErrorCodes = combineCodes(
  apiCodes,
  storeCodes,
  modelCodes,
  cliCodes,
  secretCodes,
  sharedTargetCodes,
  envoyCodes,
  haproxyCodes,
  nginxCodes,
);
