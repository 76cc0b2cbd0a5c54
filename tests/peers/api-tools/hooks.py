"""What Schemathesis cannot read from openapi.yaml."""

import functools
import ipaddress
import itertools
import json
import os
import re
import urllib.request

import schemathesis
from hypothesis import strategies as st

labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", fullmatch=True)
names = st.builds(
    lambda labels, top: ".".join([*labels, top]),
    st.lists(labels, min_size=1, max_size=3),
    st.sampled_from(["com", "net", "example"]),
)
public = st.sampled_from(["1.1.1.1", "8.8.8.8", "[2606:4700::1111]"])
ports = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))


@st.composite
def networks(draw):
    address = draw(st.ip_addresses())
    if draw(st.booleans()):
        return str(address)
    length = draw(st.integers(0, address.max_prefixlen))
    return str(ipaddress.ip_network((address, length), strict=False))


schemathesis.openapi.format("sip-host-port", st.builds("{}{}".format, st.one_of(names, public), ports))
schemathesis.openapi.format("ip-network", networks())
schemathesis.openapi.format("iso-3166-1-alpha-2", st.sampled_from(["US", "us", "DE", "gB", "AQ"]))

requests = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives each request an idempotency key of its own: for a used one the answer is the first request's, or 409,
    whatever the body says. Keys too long for that stay as they are."""
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and 0 < len(key.strip()) <= 240:
        case.headers["Idempotency-Key"] = f"{key}-{next(requests)}"
    if isinstance(case.body, dict):
        case.body.update(there(case.body))


@functools.cache
def trunk():
    with open(os.environ["READY_FILE"]) as file:
        ready = json.load(file)
    body = {"name": "Numbers", "kind": "byoc", "direction": "both", "sip_address": "sip.carrier.example.com"}
    headers = {"Authorization": f"Bearer {ready['api_key']}", "Content-Type": "application/json"}
    url = f"{ready['url']}/v1/agents/sip-trunks"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.load(answer)["id"]


def there(body):
    """A trunk that is there for one that might be, and a number that nobody has for one that is like a number."""
    fits = lambda field, pattern: isinstance(body.get(field), str) and re.fullmatch(pattern, body[field])
    if fits("trunk_id", r"trunk_[0-7][0-9a-hjkmnp-tv-z]{25}"):
        yield "trunk_id", trunk()
    if fits("e164", r"\+[1-9][0-9]{7,14}"):
        yield "e164", f"+1202{next(requests):07}"
