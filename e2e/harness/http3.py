"""A client of HTTP/3 that does what it is told: a command a line of JSON on standard input, an answer a line on standard output.

`e2e/harness/http3.ts` starts it. Commands run side by side; an answer has the number of its command.
"""

import asyncio
import json
import socket
import ssl
import sys
from dataclasses import dataclass, field

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection, encode_frame
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import (
    ConnectionTerminated,
    HandshakeCompleted,
    QuicEvent,
    StreamReset,
)
from aioquic.tls import SessionTicket
from cryptography import x509
from cryptography.hazmat.primitives import serialization

HEADERS_FRAME = 1
REQUEST_CANCELLED = 0x10C
# A handshake that takes longer is none.
HANDSHAKE_SECONDS = 5


@dataclass
class Answer:
    status: int = 0
    headers: list = field(default_factory=list)
    trailers: list = field(default_factory=list)
    body: bytes = b""
    reset: int | None = None


class Client(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.http: H3Connection | None = None
        self.answers: dict[int, tuple[Answer, asyncio.Future]] = {}
        self.shaken: asyncio.Future = self._loop.create_future()
        self.ended: asyncio.Future = self._loop.create_future()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, HandshakeCompleted):
            self.http = H3Connection(self._quic)
            self.shaken.set_result(event.session_resumed)
        elif isinstance(event, StreamReset):
            self.finish(event.stream_id, reset=event.error_code)
        elif isinstance(event, ConnectionTerminated):
            self.ended.set_result(event.reason_phrase)
            if not self.shaken.done():
                self.shaken.set_result(None)
            for stream in list(self.answers):
                self.finish(stream, reset=-1)
        if self.http is None:
            return
        for found in self.http.handle_event(event):
            known = self.answers.get(found.stream_id) if hasattr(found, "stream_id") else None
            if known is None:
                continue
            if isinstance(found, HeadersReceived):
                fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in found.headers]
                if known[0].status == 0:
                    known[0].headers = fields
                    known[0].status = int(dict(fields)[":status"])
                else:
                    known[0].trailers = fields
            elif isinstance(found, DataReceived):
                known[0].body += found.data
            if found.stream_ended:
                self.finish(found.stream_id)

    def finish(self, stream: int, reset: int | None = None) -> None:
        answer, future = self.answers.pop(stream, (None, None))
        if answer is not None and not future.done():
            answer.reset = reset
            future.set_result(answer)

    def head_of(self, command: dict) -> list:
        fields = [(":method", command.get("method", "GET")), (":scheme", "https")]
        fields += [(":authority", command["authority"]), (":path", command.get("path", "/"))]
        fields += command.get("headers", [])
        return [(name.encode(), value.encode()) for name, value in fields]

    def begin(self, command: dict, end: bool) -> int:
        stream = self._quic.get_next_available_stream_id()
        body = command.get("body", "").encode()
        self.http.send_headers(stream, self.head_of(command), end_stream=end and body == b"")
        if body != b"":
            self.http.send_data(stream, body, end_stream=end)
        return stream


clients: dict[str, Client] = {}
tickets: dict[str, SessionTicket] = {}


def plain_socket(address: str) -> socket.socket:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind((address, 0))
    return own


async def open_connection(command: dict) -> dict | None:
    """Shakes hands. None: there was no handshake."""
    name = command["connection"]
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        server_name=command.get("serverName"),
        verify_mode=ssl.CERT_NONE,
        session_ticket=tickets.get(command.get("resumes", "")),
    )
    if "shown" in command:
        configuration.certificate = x509.load_pem_x509_certificate(command["shown"]["cert"].encode())
        key = command["shown"]["key"].encode()
        configuration.private_key = serialization.load_pem_private_key(key, password=None)
    quic = QuicConnection(
        configuration=configuration, session_ticket_handler=lambda ticket: tickets.__setitem__(name, ticket)
    )
    loop = asyncio.get_running_loop()
    own = plain_socket(command.get("from", "127.0.0.1"))
    _, client = await loop.create_datagram_endpoint(lambda: Client(quic), sock=own)
    client.connect((command["address"], command["port"]))
    try:
        resumed = await asyncio.wait_for(asyncio.shield(client.shaken), command.get("seconds", HANDSHAKE_SECONDS))
    except asyncio.TimeoutError:
        client.close()
        return None
    if resumed is None:
        return None
    clients[name] = client
    # A session that is resumed shows none.
    certificate = quic.tls._peer_certificate
    common_name = x509.NameOID.COMMON_NAME
    shown = None if certificate is None else certificate.subject.get_attributes_for_oid(common_name)[0].value
    return {"shown": shown, "resumed": resumed, "alpn": quic.tls.alpn_negotiated}


async def ask(command: dict) -> dict:
    """A request and its answer. `unfinished`: the end of the body never comes."""
    client = clients[command["connection"]]
    stream = client.begin(command, end=not command.get("unfinished", False))
    return await answer_of(client, stream)


async def ask_half(command: dict) -> dict:
    """The beginning of a head, which never ends."""
    client = clients[command["connection"]]
    stream = client._quic.get_next_available_stream_id()
    _, head = client.http._encoder.encode(stream, client.head_of(command))
    client._quic.send_stream_data(stream, encode_frame(HEADERS_FRAME, head)[:-1])
    return await answer_of(client, stream)


async def answer_of(client: Client, stream: int) -> dict:
    future = asyncio.get_running_loop().create_future()
    client.answers[stream] = (Answer(), future)
    if client.ended.done():
        client.finish(stream, reset=-1)
    client.transmit()
    answer = await future
    body = answer.body.decode("latin-1")
    fields = {"headers": answer.headers, "trailers": answer.trailers}
    return {"status": answer.status, **fields, "body": body, "reset": answer.reset}


async def cancel_many(command: dict) -> int:
    """Requests that are cancelled at once; how many there were when the connection ended, or all."""
    client = clients[command["connection"]]
    for count in range(command["times"]):
        # No more streams than the other side allows: it allows more as they end.
        while client._quic.get_next_available_stream_id() // 4 >= client._quic._remote_max_streams_bidi:
            if client.ended.done():
                return count
            await asyncio.sleep(0.001)
        stream = client.begin(command, end=True)
        client.transmit()
        client._quic.stop_stream(stream, REQUEST_CANCELLED)
        client.transmit()
    return command["times"]


async def move(command: dict) -> None:
    """From here on the connection comes from another address."""
    client = clients[command["connection"]]
    client._transport.close()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: client, sock=plain_socket(command["from"]))
    client.change_connection_id()


async def ended(command: dict) -> str:
    """How the connection ended; waits for it."""
    return await asyncio.shield(clients[command["connection"]].ended)


async def takes_early(command: dict) -> bool:
    """Whether the session of a connection may be resumed with requests before the handshake is done (0-RTT)."""
    while command["connection"] not in tickets:
        await asyncio.sleep(0.01)
    return bool(tickets[command["connection"]].max_early_data_size)


COMMANDS = {
    "open": open_connection,
    "ask": ask,
    "askHalf": ask_half,
    "cancelMany": cancel_many,
    "move": move,
    "ended": ended,
    "takesEarly": takes_early,
}


async def run(command: dict) -> None:
    try:
        answer = {"result": await COMMANDS[command["do"]](command)}
    except Exception as error:  # The test has to see whatever it is.
        answer = {"error": repr(error)}
    print(json.dumps({"id": command["id"], **answer}), flush=True)


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = set()
    while line := await reader.readline():
        task = asyncio.ensure_future(run(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
