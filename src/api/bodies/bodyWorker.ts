/** A worker thread that checks bodies, one after the other: see workers.ts. */
import { isUtf8 } from "node:buffer";
import { parentPort } from "node:worker_threads";
import { beyondJudging } from "../../model/index.ts";
import { finish } from "../../util/steps.ts";
import { BODY_MEMORY_BYTES, BYTES_PER_CONTAINER, BYTES_PER_VALUE, MAX_RESOURCE_VALUES } from "../limits.ts";
import { build } from "./build.ts";
import { check, type Sound, type Unsound } from "./checked.ts";
import { type Answer, READY, type UncheckedBody } from "./types.ts";
import { YamlError, yamlToJson } from "./yamlJson.ts";

parentPort?.on("message", (body: UncheckedBody) => {
  const answer = answerTo(body);
  parentPort?.postMessage(answer, answer.kind === "sound" ? [answer.bytes.buffer as ArrayBuffer] : []);
});
parentPort?.postMessage(READY);

function answerTo(body: UncheckedBody): Answer {
  try {
    const bytes = jsonOf(body);
    const checked = check(bytes, body.bounds);
    return checked.kind === "sound" ? judge(checked, bytes, body.isResource) : checked;
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { kind: "unsound", code: "API-BAD-REQUEST", detail: `the body is no YAML: ${error.message}` };
  }
}

/** What is no UTF-8 is left for the check to tell. */
function jsonOf({ bytes, format }: UncheckedBody): Buffer {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return format === "yaml" && isUtf8(given) ? ownBytes(yamlToJson(given.toString("utf8"))) : given;
}

/** In memory of its own, which can be handed over: Node keeps short buffers together. */
function ownBytes(text: string): Buffer {
  return Buffer.from(new TextEncoder().encode(text).buffer);
}

/** What need not be built by the main thread, because it cannot be taken, ends here. */
function judge(found: Sound, bytes: Buffer, isResource: boolean): Answer {
  const { runs, inObject, largeItem, value, containers, commas } = found;
  if (isResource && containers + commas > MAX_RESOURCE_VALUES)
    return tooLarge(`a resource has at most ${MAX_RESOURCE_VALUES} values`);
  const needs = bytes.length + containers * BYTES_PER_CONTAINER + commas * BYTES_PER_VALUE;
  if (needs > BODY_MEMORY_BYTES) return tooLarge("the body has too many values; send it in parts");
  if (!isResource && largeItem === null) {
    const diagnostics = beyondJudging(finish(build({ bytes, frame: value, runs, inObject })));
    if (diagnostics !== null) return { kind: "misshapen", diagnostics };
  }
  // A frame can have a hundred thousand entries: as text it is taken over in one piece.
  return { kind: "sound", bytes, frame: JSON.stringify(value), runs, inObject, largeItem, needs };
}

function tooLarge(detail: string): Unsound {
  return { kind: "unsound", code: "API-TOO-LARGE", detail };
}
