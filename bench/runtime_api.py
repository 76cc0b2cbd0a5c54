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
    cpu_ms: float | None = None
    peak_kib: int | None = None
    response_ms: float | None = None
    response: bytes | None = None


def measure(command, environment, log, event=None):
    """Starts a function and ends it once it is ready or, if there is an event, has answered that."""
    with Function(command, environment, log) as function:
        sample = Sample(milliseconds(function.started, function.ready()))
        if event is not None:
            answer = function.answer(event)
            sample.response_ms, sample.response = milliseconds(function.started, answer.ended), answer.response
        sample.cpu_ms = function.cpu_ns() / 1e6
        sample.peak_kib = function.memory_kib("VmHWM")
        return sample


@dataclass
class Answer:
    """What came of an event: the clock when the event was sent, and when the response's last byte was there."""

    began: int
    ended: int
    response: bytes

    @property
    def ms(self):
        return milliseconds(self.began, self.ended)


class Function:
    """A function that runs as long as the `with` block does, and gets one event after the other."""

    def __init__(self, command, environment, log, stops=False):
        """`stops` says that the command stops itself before it becomes the function: its life begins there."""
        self.command, self.log, self.stops = command, log, stops
        self.environment = {**ENVIRONMENT, **environment}
        # Whom it asks for its next event, once it does; whom it told its last response, until that is accepted.
        self._asking = self._telling = None

    def __enter__(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(PATIENCE_S)
        environment = {**self.environment, "AWS_LAMBDA_RUNTIME_API": "%s:%d" % listener.getsockname()}
        output = [(os.POSIX_SPAWN_OPEN, fd, self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for fd in (1, 2)]
        self._requests = _Requests(listener)
        self.started = time.perf_counter_ns()
        self.pid = os.posix_spawn(self.command[0], self.command, environment, file_actions=output)
        if self.stops:
            os.waitpid(self.pid, os.WUNTRACED)
            self.started = time.perf_counter_ns()
            os.kill(self.pid, signal.SIGCONT)
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._requests.close()

    def ready(self):
        """Waits until it asks for an event; gives the clock when that request was there."""
        line, _, self._asking, at = self._requests.next()
        if not line.startswith("GET /2018-06-01/runtime/invocation/next "):
            raise Broken(line)
        return at

    def answer(self, event):
        """Sends an event and waits for the response. That is accepted with the next event: until then the function
        stands still, and what is read of it is its state after this event."""
        if self._telling:
            self._telling.sendall(ACCEPTED)
        if self._telling or not self._asking:
            self.ready()
        head = RESPONSE.format(deadline=time.time_ns() // 1_000_000 + PATIENCE_S * 1000, length=len(event))
        began = time.perf_counter_ns()
        self._asking.sendall(head.encode() + event)
        line, body, self._telling, ended = self._requests.next()
        if not line.endswith("/response HTTP/1.1"):
            raise Broken(f"{line}: {body[:500]!r}")
        return Answer(began, ended, body)

    def memory_kib(self, field):
        """`VmHWM`, its peak so far, or `VmRSS`, what it has now."""
        # wait4 would count this process in: the child has its memory until it executes the command.
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))

    def cpu_ns(self):
        """Processor time of all its threads so far."""
        # The clock of another process (clock_getcpuclockid(3)): CPUCLOCK_SCHED of its id.
        return time.clock_gettime_ns((~self.pid << 3) | 2)


def milliseconds(start, end):
    return (end - start) / 1e6


class _Requests:
    """The requests that arrive, over whatever connections, one after the other."""

    def __init__(self, listener):
        self.listener = listener
        self.received = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)

    def close(self):
        for connection in self.received:
            connection.close()
        self.selector.close()
        self.listener.close()

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
