/**
 * The room of certificates that stand in files.
 *
 * Input: a folder with a folder for each certificate, as certbot and mounted secrets have them. Output: a write for each pair of chain
 * and key that is new. Guarantee: half a renewal is waited for, one that is refused is told once and tried again when it changes,
 * and what was written before stays; at most `MAX_FOLDERS` are looked at, one at a time. It judges no certificate (whoever takes the
 * write does), keeps no key, and never writes to the folder.
 */
export { type Refused, type Taken, type WatchedFiles, watchCertificateFiles } from "./watch.ts";
