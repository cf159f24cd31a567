/** Writes a random bearer token to the file that is named, unless it is there. */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";

const file = process.argv[2];
if (file === undefined) throw new Error("usage: make-token.mjs FILE");
if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
