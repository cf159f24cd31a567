/** The bearer tokens of a control plane, each for something else. */
import type { ServeOptions } from "./cli/index.ts";
import type { Logger } from "./log/index.ts";
import { readTokenFile, SHORT_TOKEN_CHARACTERS } from "./util/tokenFile.ts";

/** Undefined: there is none. */
export interface Tokens {
  readonly apiToken: string | undefined;
  /** Reads metrics and nothing else. */
  readonly metricsToken: string | undefined;
  /** Fetches files of fleets, with their secrets, and nothing else. */
  readonly deliveryToken: string | undefined;
}

/** Reads their files. Throws one line for a person. */
export async function readTokens(options: ServeOptions, logger: Logger): Promise<Tokens> {
  const apiToken = await tokenOf(options.apiTokenFile, logger);
  const metricsToken = await tokenOf(options.metricsTokenFile, logger);
  const deliveryToken = await tokenOf(options.deliveryTokenFile, logger);
  if (metricsToken !== undefined && metricsToken === apiToken)
    throw new Error(
      "--metrics-token-file and --api-token-file hold the same token: it could do more than read metrics",
    );
  if (deliveryToken !== undefined && [apiToken, metricsToken].includes(deliveryToken))
    throw new Error(
      "--delivery-token-file holds the token of another file too: who has that one shall not get private keys",
    );
  return { apiToken, metricsToken, deliveryToken };
}

/** A short one is taken, and told. */
async function tokenOf(file: string | undefined, logger: Logger): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const token = await readTokenFile(file);
  logger.hide(token);
  if (token.length < SHORT_TOKEN_CHARACTERS) {
    const remedy = `tokens under ${SHORT_TOKEN_CHARACTERS} characters can be guessed: head -c 32 /dev/urandom | base64`;
    logger.log("warn", "token-short", { file, characters: token.length, remedy });
  }
  return token;
}
