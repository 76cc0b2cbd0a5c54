"""Trunks, made and deleted through our own API."""

import contextlib
import json
import os
import pathlib
import urllib.request

SERVICE = json.loads(pathlib.Path(os.environ["RUN"], "ready.json").read_text())

USERNAME, PASSWORD = "acme-trunk", "s3cret-passw0rd"
CREDENTIALS = {"auth_username": USERNAME, "auth_password": PASSWORD}


def _request(method, path, body=None):
    ask = urllib.request.Request(
        f"{SERVICE['url']}/v1/agents/sip-trunks{path}",
        method=method,
        data=body and json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {SERVICE['api_key']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(ask) as answer:
        return json.loads(answer.read() or "null")


@contextlib.contextmanager
def trunk(**fields):
    """A trunk to the carrier, until the block ends."""
    made = _request("POST", "", {"name": "Acme", "kind": "byoc", "sip_address": os.environ["CARRIER"], **fields})
    try:
        yield made
    finally:
        delete(made)


def delete(made):
    """Deleting twice is allowed."""
    _request("DELETE", f"/{made['id']}")
