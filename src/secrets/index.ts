/**
 * The secrets room.
 *
 * Input: documents with secrets (`x-secret` of the schemas), a key of 32 bytes. Output: documents with references, and ciphertext; at
 * delivery the secrets again. Guarantee: from the moment a document is read only references travel, and equal secrets have equal
 * references; what is refused is never repeated; ciphertext opens with its key and under its own reference only. It stores
 * nothing, and must not keep the text of a secret: what is opened is handed on and forgotten.
 */

export { filePaths } from "../gen/secrets.ts";
export { KEY_BYTES, type RandomBytes } from "./box.ts";
export { secretCodes } from "./codes.ts";
export { FILE, referencesOf, type Sealing, sealConfig, sealResource, secretKinds } from "./documents.ts";
export { haveSecrets, openedFile, openedFiles, pathsOfSecrets } from "./files.ts";
export { type Boxes, createKeeper, createMemoryKeeper, type MemoryKeeper, SecretError } from "./keeper.ts";
export { finishRotation, hasSecretKey, makeSecretKey, nextKeyFile, readSecretKey, SECRET_KEY_FILE } from "./keyFile.ts";
export { publicKeyHash, readReference, type SecretReference } from "./reference.ts";
export type { Keeper, OpenSecret, Sealed } from "./types.ts";
export { createVault, openVault, type Vault, type VaultOptions } from "./vault.ts";
