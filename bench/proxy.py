"""What lies between a function and the systems that it calls: each request is held for a while, and TLS is spoken.

Run as a process of its own, since its threads would get into the way of the Runtime API's clock.
Called by Line: DELAY_MS CERTIFICATE TRACED URL...; writes its ports, then a line for each request if it is traced.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

# The variables by which a function finds the systems.
SYSTEMS = {
    "AWS_ENDPOINT_URL_DYNAMODB": "dynamodb_url",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "secretsmanager_url",
    "LIVEKIT_URL": "livekit_url",
}


@dataclass
class Call:
    """One request: the clock when it was there, and when its answer was."""

    operation: str
    began: int
    ended: int


class Line:
    """Stands before each system of a service as long as the `with` block does. `delay_ms` is how long each request is
    held; `tls_in` is where the certificate is kept if TLS is to be spoken; of a traced line, `calls` has to be asked
    for now and then."""

    def __init__(self, service, delay_ms=0, tls_in=None, traced=False):
        self.urls = [service.ready[name] for name in SYSTEMS.values()]
        self.delay_ms, self.certificate, self.traced = delay_ms, tls_in and _certificate(tls_in), traced

    def __enter__(self):
        options = [str(self.delay_ms), str(self.certificate or ""), "traced" if self.traced else ""]
        command = [sys.executable, "-B", __file__, *options, *self.urls]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ports = json.loads(self.process.stdout.readline())
        os.set_blocking(self.process.stdout.fileno(), False)
        scheme = "https" if self.certificate else "http"
        self.environment = {name: f"{scheme}://127.0.0.1:{port}" for name, port in zip(SYSTEMS, ports)}
        if self.certificate:
            # Ours and Go's.
            self.environment |= {"AWS_CA_BUNDLE": str(self.certificate), "SSL_CERT_FILE": str(self.certificate)}
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def calls(self):
        """The requests since the last time it was asked, if none is on its way."""
        lines = self.process.stdout.read() or b""
        return [Call(*json.loads(line)) for line in lines.splitlines()]


def _certificate(target):
    """One for 127.0.0.1, with its key in the same file."""
    path = target / "bench" / "line.pem"
    # RSA, as AWS's are.
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=line"]
    extensions = ["subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE"]
    for extension in extensions:
        command += ["-addext", extension]
    subprocess.run([*command, "-keyout", path, "-out", f"{path}.crt"], check=True, stderr=subprocess.DEVNULL)
    with path.open("ab") as whole:
        whole.write(path.with_name("line.pem.crt").read_bytes())
    return path


def main(delay_ms, certificate, traced, *urls):
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in urls]
    for listener, url in zip(listeners, urls):
        parts = urlsplit(url)
        way = (parts.hostname, parts.port), int(delay_ms) / 1000, context, bool(traced)
        threading.Thread(target=_accept, args=(listener, way), daemon=True).start()
    _write([listener.getsockname()[1] for listener in listeners])
    # Until whoever started it closes it.
    sys.stdin.buffer.read()


def _accept(listener, way):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_forward, args=(connection, *way), daemon=True).start()


def _forward(connection, upstream, delay_s, context, traced):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, socket.create_connection(upstream) as system:
            system.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := _message(connection):
                began = time.monotonic_ns()
                if delay_s:
                    time.sleep(delay_s)
                system.sendall(request)
                answer = _message(system)
                if not answer:
                    return
                if traced:
                    _write([_operation(request), began, time.monotonic_ns()])
                connection.sendall(answer)
    except OSError:
        # The function was ended, in the middle of a TLS record maybe.
        pass


def _message(connection):
    """A whole request or answer, as it came; nothing at the end of the connection."""
    message = b""
    while True:
        part = connection.recv(1 << 20)
        if not part:
            return b""
        message += part
        head, separator, body = message.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(head):
            return message


def _length(head):
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            raise NotImplementedError(head)
    return 0


def _operation(request):
    """AWS's `X-Amz-Target`, or the last part of the path."""
    line, *fields = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    target = next((field for field in fields if field.lower().startswith(b"x-amz-target:")), None)
    name = target.rpartition(b".")[2] if target else line.split(b" ")[1].rpartition(b"/")[2]
    return name.decode()


def _write(value):
    os.write(1, json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
