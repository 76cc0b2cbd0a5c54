"""What Schemathesis cannot read from openapi.yaml."""

import ipaddress
import itertools

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
