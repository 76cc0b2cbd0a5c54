"""What a trunk is."""

import ipaddress
import json
import re

FIELDS = {
    "name", "kind", "direction", "sip_address", "auth_username", "auth_password", "allowed_addresses",
    "destination_country", "transport", "media_encryption", "inbound_auth", "credentials",
}  # fmt: skip
ADDRESS = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
COUNTRY = re.compile(r"[A-Z]{2}")


class Invalid(Exception):
    """What is wrong with a body, by field."""

    def __init__(self, fields):
        super().__init__(fields)
        self.fields = fields


def parse(body):
    """The settings and the password that a body asks for."""
    try:
        sent = json.loads(body)
    except ValueError as error:
        raise Invalid({"body": "must be JSON"}) from error
    violations = {field: "unknown field" for field in sent.keys() - FIELDS}

    def check(valid, field, message):
        if not valid:
            violations[field] = message

    settings = {
        "name": str(sent.get("name", "")).strip(),
        "kind": sent.get("kind"),
        "direction": sent.get("direction"),
        "sip_address": str(sent.get("sip_address", "")).lower(),
        "allowed_addresses": sent.get("allowed_addresses", []),
        "transport": sent.get("transport", "auto"),
        "media_encryption": sent.get("media_encryption", "allow"),
    }
    username, password = sent.get("auth_username"), sent.get("auth_password")
    country = (sent.get("destination_country") or "").upper()
    check(1 <= len(settings["name"]) <= 128, "name", "must have 1 to 128 characters")
    check(settings["kind"] == "byoc", "kind", "must be byoc")
    check(settings["direction"] in ("inbound", "outbound", "both"), "direction", "is unknown")
    check(ADDRESS.fullmatch(settings["sip_address"]), "sip_address", "must be a host, with a port or not")
    check((not username) == (not password), "auth_password", "goes with auth_username")
    check(not country or COUNTRY.fullmatch(country), "destination_country", "must be ISO 3166-1 alpha-2")
    check(settings["transport"] in ("auto", "udp", "tcp", "tls"), "transport", "is unknown")
    check(settings["media_encryption"] in ("disable", "allow", "require"), "media_encryption", "is unknown")
    check(len(settings["allowed_addresses"]) <= 64, "allowed_addresses", "must be 64 at most")
    check(all(map(is_network, settings["allowed_addresses"])), "allowed_addresses", "must be addresses or CIDR blocks")
    if violations:
        raise Invalid(violations)
    if username:
        settings["auth_username"] = username
    if country:
        settings["destination_country"] = country
    return settings, password


def is_network(text):
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
