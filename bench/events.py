"""What API Gateway and the schedule hand to the functions: `events/`, with a key of the local service."""

import json
from pathlib import Path

from runtime_api import Broken

EVENTS = Path(__file__).resolve().parent.parent / "events"


def create(api_key, direction="both", idempotency_key=None):
    event = _read(f"create-sip-trunk/byoc-{direction}", api_key)
    if idempotency_key:
        event["headers"]["idempotency-key"] = idempotency_key
    return _bytes(event)


def get(api_key, trunk_id):
    event = _read("get-sip-trunk/found", api_key)
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1/agents/sip-trunks/{trunk_id}"
    event["pathParameters"]["id"] = trunk_id
    return _bytes(event)


def list_page(api_key, limit):
    event = _read("list-sip-trunks/first-page", api_key)
    event["rawQueryString"], event["queryStringParameters"] = f"limit={limit}", {"limit": str(limit)}
    return _bytes(event)


def sweep():
    return (EVENTS / "sweep" / "every-minute.json").read_bytes()


def body(answer, status):
    """The body of an answer, which has to have this status."""
    response = json.loads(answer.response)
    if response["statusCode"] != status:
        raise Broken(response)
    return response["body"]


def _read(name, api_key):
    event = json.loads((EVENTS / f"{name}.json").read_text())
    event["headers"]["authorization"] = f"Bearer {api_key}"
    return event


def _bytes(event):
    return json.dumps(event).encode()
