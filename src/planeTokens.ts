/** The tokens that a control plane is started with. */
import type { AgentToken } from "./api/index.ts";
import { type ServeOptions, splitFleetFile } from "./cli/index.ts";
import type { Logger } from "./log/index.ts";
import { readTokenFile, SHORT_TOKEN_CHARACTERS } from "./util/tokenFile.ts";

/** What shows that somebody may. */
export interface PlaneTokens {
  readonly apiToken: string | undefined;
  readonly metricsToken: string | undefined;
  readonly agentTokens: readonly AgentToken[];
}

/** Reads their files. Throws one line for a person, also when a token that is for less is one that is for more. */
export async function readTokens(options: ServeOptions, logger: Logger): Promise<PlaneTokens> {
  const apiToken = await tokenOf(options.apiTokenFile, logger);
  const metricsToken = await tokenOf(options.metricsTokenFile, logger);
  if (metricsToken !== undefined && metricsToken === apiToken)
    throw new Error(
      "--metrics-token-file and --api-token-file hold the same token: it could do more than read metrics",
    );
  const agentTokens: AgentToken[] = [];
  for (const { fleet, file } of (options.agentTokenFile ?? []).map(splitFleetFile)) {
    const token = (await tokenOf(file, logger)) as string;
    if (token === apiToken || token === metricsToken)
      throw new Error(`${file} of --agent-token-file holds the token of another purpose: give agents one of their own`);
    agentTokens.push({ fleet, token });
  }
  return { apiToken, metricsToken, agentTokens };
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
