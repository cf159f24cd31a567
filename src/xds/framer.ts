/** Puts messages behind their gRPC heads. What goes to many streams one after the other is put together once. */
import { COPIED_BYTES, JOINED_BYTES } from "./limits.ts";
import type { Message } from "./transport.ts";

/** Gives the bytes of messages that are written together, in one part or in some. Nobody may change them. */
export type Framer = (messages: readonly Message[]) => readonly Buffer[];

/** Remembers the last messages: short ones are joined at once, long ones when they go out again. */
export function createFramer(): Framer {
  let last: readonly Message[] = [];
  let joined: readonly Buffer[] | null = null;
  return (messages) => {
    if (last === messages || (last.length > 0 && areSame(last, messages))) {
      joined ??= [Buffer.concat(partsOf(last))];
      return joined;
    }
    const parts = partsOf(messages);
    const size = sizeOf(parts);
    if (size > JOINED_BYTES) return parts;
    last = messages;
    joined = size > COPIED_BYTES ? null : [Buffer.concat(parts)];
    return joined ?? parts;
  };
}

function partsOf(messages: readonly Message[]): Buffer[] {
  return messages.flatMap((message) => [headOf(message), ...message]);
}

function areSame(some: readonly Message[], others: readonly Message[]): boolean {
  return (
    some.length === others.length &&
    some.every((message, index) => {
      const other = others[index]!;
      return message.length === other.length && message.every((part, place) => part === other[place]);
    })
  );
}

function sizeOf(parts: readonly Buffer[]): number {
  let size = 0;
  for (const part of parts) size += part.length;
  return size;
}

/** The five bytes before a message: not compressed, and its length. */
function headOf(message: Message): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(sizeOf(message), 1);
  return head;
}
