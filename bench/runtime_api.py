"""The Runtime API's side of a function (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), with a clock."""

import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass

PATIENCE_S = 30

RESPONSE = """HTTP/1.1 200 OK\r
content-type: application/json\r
lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r
lambda-runtime-deadline-ms: {deadline}\r
lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:measured\r
lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r
content-length: {length}\r
\r
"""
ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/measured",
    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
}


class Broken(Exception):
    """A function did something else than it should."""


@dataclass
class Sample:
    """One life of a function."""

    ready_ms: float
    ready_kib: int
    response_ms: float | None = None
    response_kib: int | None = None
    response: bytes | None = None


def measure(command, environment, log, event=None):
    """Starts a function and ends it once it is ready or, if there is an event, has answered that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        address = "%s:%d" % listener.getsockname()
        environment = {**ENVIRONMENT, **environment, "AWS_LAMBDA_RUNTIME_API": address}
        output = [(os.POSIX_SPAWN_OPEN, fd, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for fd in (1, 2)]
        start = time.perf_counter_ns()
        pid = os.posix_spawn(command[0], command, environment, file_actions=output)
        try:
            return _live(listener, pid, start, event)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _live(listener, pid, start, event):
    with _Requests(listener) as requests:
        line, _, connection, ready = requests.next()
        if not line.startswith("GET /2018-06-01/runtime/invocation/next "):
            raise Broken(line)
        sample = Sample(_ms(start, ready), _peak_kib(pid))
        if event is None:
            return sample
        head = RESPONSE.format(deadline=time.time_ns() // 1_000_000 + PATIENCE_S * 1000, length=len(event))
        connection.sendall(head.encode() + event)
        line, body, connection, answered = requests.next()
        if not line.endswith("/response HTTP/1.1"):
            raise Broken(f"{line}: {body[:500]!r}")
        sample.response_ms, sample.response_kib, sample.response = _ms(start, answered), _peak_kib(pid), body
        connection.sendall(ACCEPTED)
        return sample


def _ms(start, end):
    return (end - start) / 1e6


def _peak_kib(pid):
    # wait4 would count this process in: the child has its memory until it executes the command.
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


class _Requests:
    """The requests that arrive, over whatever connections, one after the other."""

    def __init__(self, listener):
        self.listener = listener
        self.received = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.received:
            connection.close()
        self.selector.close()

    def next(self):
        """Request line, body, connection, and the clock when its last byte was there."""
        while ready := self.selector.select(PATIENCE_S):
            now = time.perf_counter_ns()
            for key, _ in ready:
                if key.fileobj is self.listener:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.received[connection] = b""
                    self.selector.register(connection, selectors.EVENT_READ)
                elif request := self._receive(key.fileobj):
                    return (*request, key.fileobj, now)
        raise Broken(f"nothing for {PATIENCE_S} s")

    def _receive(self, connection):
        part = connection.recv(1 << 20)
        if not part:
            self.selector.unregister(connection)
            return None
        self.received[connection] += part
        head, separator, body = self.received[connection].partition(b"\r\n\r\n")
        body = _whole(head.lower(), body) if separator else None
        if body is None:
            return None
        self.received[connection] = b""
        return head.partition(b"\r\n")[0].decode(), body


def _whole(head, body):
    """The body once it is there to its end."""
    fields = dict(line.split(b":", 1) for line in head.split(b"\r\n")[1:])
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        return _dechunked(body)
    length = int(fields.get(b"content-length", 0))
    return body if len(body) >= length else None


def _dechunked(body):
    whole = b""
    while True:
        size, separator, body = body.partition(b"\r\n")
        if not separator or len(body) < int(size, 16) + 2:
            return None
        if int(size, 16) == 0:
            return whole
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
