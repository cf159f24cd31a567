/** Files with secrets: references stand in them until they are delivered. */
import type { OpenSecret } from "./types.ts";

/** A file as a target renders it. */
interface SecretFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly secrets?: readonly string[] | undefined;
}

/**
 * The file as its proxy reads it: each reference that it lists is replaced by the secret. It stands alone on its lines, or in a JSON file
 * inside a string. Files without secrets stay the same objects. Throws when a secret cannot be had. What comes of it is written where
 * only its owner reads, and kept nowhere else.
 */
export function openedFile<File extends SecretFile>(file: File, open: OpenSecret): File {
  if (file.secrets === undefined || file.secrets.length === 0) return file;
  const isJson = file.path.endsWith(".json");
  let { text } = file;
  for (const reference of new Set(file.secrets)) {
    const secret = open(reference);
    text = text.replaceAll(reference, () => (isJson ? JSON.stringify(secret).slice(1, -1) : secret.replace(/\n$/, "")));
  }
  return { ...file, text, mode: OWNER_ONLY, secrets: undefined };
}

/** The mode of a file with secrets, whatever it was rendered with. */
const OWNER_ONLY = 0o600;

/** All of them. */
export function openedFiles<File extends SecretFile>(files: readonly File[], open: OpenSecret): readonly File[] {
  return haveSecrets(files) ? files.map((file) => openedFile(file, open)) : files;
}

/** Whether there is anything to open. */
export function haveSecrets(files: readonly SecretFile[]): boolean {
  return files.some(holdsSecrets);
}

/** Where it is. */
export function pathsOfSecrets(files: readonly SecretFile[]): readonly string[] {
  return files.filter(holdsSecrets).map(({ path }) => path);
}

function holdsSecrets({ secrets = [] }: SecretFile): boolean {
  return secrets.length > 0;
}
