"""Uses the client that openapi-python-client generated from openapi.yaml."""

import json
import os

import pytest
from trunkline_client import AuthenticatedClient
from trunkline_client.api.phone_numbers import (
    delete_phone_number,
    get_phone_number,
    import_phone_number,
    list_phone_numbers,
    update_phone_number,
)
from trunkline_client.api.sip_trunks import (
    create_sip_trunk,
    delete_sip_trunk,
    get_sip_trunk,
    list_sip_trunks,
    update_sip_trunk,
)
from trunkline_client.models import (
    Direction,
    Error,
    ErrorCode,
    Kind,
    NewPhoneNumber,
    NewSipTrunk,
    NewSipTrunkKind,
    PhoneNumber,
    PhoneNumberCapabilitiesItem,
    PhoneNumberPatch,
    SipTrunk,
    SipTrunkPage,
    SipTrunkPatch,
    Transport,
)

with open(os.environ["READY_FILE"]) as file:
    READY = json.load(file)


def client_with(key):
    return AuthenticatedClient(base_url=READY["url"], token=key)


@pytest.fixture
def client():
    """With a workspace that is empty before and after."""
    client = client_with(READY["api_key"])
    empty(client)
    yield client
    empty(client)


def empty(client):
    while (page := list_phone_numbers.sync(client=client, limit=200)).numbers:
        for number in page.numbers:
            assert delete_phone_number.sync_detailed(number.id, client=client).status_code == 204
    while (page := list_sip_trunks.sync(client=client, limit=200)).trunks:
        for trunk in page.trunks:
            assert delete_sip_trunk.sync_detailed(trunk.id, client=client).status_code == 204


def carrier(name, **fields):
    return NewSipTrunk(
        name=name, kind=NewSipTrunkKind.BYOC, direction=Direction.BOTH, sip_address="sip.carrier.example.com", **fields
    )


def test_a_trunk_is_created_shown_and_deleted(client):
    wanted = carrier(
        "Front desk",
        auth_username="acme",
        auth_password="correct horse battery staple",
        allowed_addresses=["198.51.100.0/24"],
        transport=Transport.TCP,
    )
    answer = create_sip_trunk.sync_detailed(client=client, body=wanted, idempotency_key="first")
    created = answer.parsed
    assert answer.status_code == 201 and isinstance(created, SipTrunk)
    assert answer.headers["Location"] == f"/v1/agents/sip-trunks/{created.id}"
    assert (created.name, created.kind, created.direction) == ("Front desk", Kind.BYOC, Direction.BOTH)
    assert (created.auth_username, created.auth_password_set) == ("acme", True)
    assert created.allowed_addresses == ["198.51.100.0/24"]
    assert created.inbound_sip_uri.startswith(f"sip:{created.id}@")
    assert created.inbound_sip_uri.endswith(";transport=tcp")

    again = create_sip_trunk.sync_detailed(client=client, body=wanted, idempotency_key="first")
    assert again.parsed == created and again.headers["Idempotent-Replayed"] == "true"

    shown = get_sip_trunk.sync_detailed(created.id, client=client)
    assert shown.parsed == created
    unchanged = get_sip_trunk.sync_detailed(created.id, client=client, if_none_match=shown.headers["ETag"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    assert delete_sip_trunk.sync_detailed(created.id, client=client).status_code == 204
    gone = get_sip_trunk.sync(created.id, client=client)
    assert isinstance(gone, Error) and gone.error.code == ErrorCode.SIP_TRUNK_NOT_FOUND


def test_a_trunk_is_changed_by_who_knows_it(client):
    wanted = carrier("Front desk", auth_username="acme", auth_password="correct horse", destination_country="DE")
    created = create_sip_trunk.sync(client=client, body=wanted)
    tag = get_sip_trunk.sync_detailed(created.id, client=client).headers["ETag"]
    patch = SipTrunkPatch(name="Back office", auth_password="wrong donkey", destination_country=None)
    answer = update_sip_trunk.sync_detailed(created.id, client=client, body=patch, if_match=tag)
    changed = answer.parsed
    assert answer.status_code == 200 and isinstance(changed, SipTrunk) and answer.headers["ETag"] != tag
    assert (changed.id, changed.name, changed.auth_username) == (created.id, "Back office", "acme")
    assert not changed.destination_country and changed.transport == created.transport

    late = update_sip_trunk.sync(created.id, client=client, body=SipTrunkPatch(name="Night"), if_match=tag)
    assert isinstance(late, Error) and late.error.code == ErrorCode.PRECONDITION_FAILED
    cleared = update_sip_trunk.sync(created.id, client=client, body=SipTrunkPatch(auth_username=None))
    assert (cleared.name, cleared.auth_password_set) == ("Back office", False)


def test_trunks_are_listed_in_parts(client):
    made = [create_sip_trunk.sync(client=client, body=carrier(f"Trunk {number}")).id for number in range(5)]
    seen, sizes, part = [], [], {}
    while True:
        page = list_sip_trunks.sync(client=client, limit=2, **part)
        assert isinstance(page, SipTrunkPage)
        seen += [trunk.id for trunk in page.trunks]
        sizes.append(len(page.trunks))
        if not page.has_more:
            assert page.next_cursor is None
            break
        part = {"cursor": page.next_cursor}
    assert (seen, sizes) == (made[::-1], [2, 2, 1])
    assert list_sip_trunks.sync(client=client, kind=Kind.LIVEKIT).trunks == []
    assert len(list_sip_trunks.sync(client=client, direction=Direction.BOTH).trunks) == 5


def test_a_bad_request_is_a_typed_error(client):
    refused = create_sip_trunk.sync(client=client, body=carrier(" ", auth_username="acme"))
    assert isinstance(refused, Error)
    assert refused.error.code == ErrorCode.VALIDATION_FAILED
    assert refused.error.fields.to_dict() == {
        "auth_password": "required with auth_username",
        "name": "must have 1 to 128 characters after trimming",
    }
    assert list_sip_trunks.sync(client=client).trunks == []


def test_a_wrong_key_and_one_that_may_only_read_are_typed_errors(client):
    stranger = create_sip_trunk.sync_detailed(client=client_with("sk_wrong"), body=carrier("Front desk"))
    assert stranger.status_code == 401 and stranger.parsed.error.code == ErrorCode.UNAUTHORIZED
    reader = create_sip_trunk.sync_detailed(client=client_with(READY["read_api_key"]), body=carrier("Front desk"))
    assert reader.status_code == 403 and reader.parsed.error.code == ErrorCode.INSUFFICIENT_SCOPE
    assert list_sip_trunks.sync(client=client).trunks == []


def test_another_workspace_sees_nothing(client):
    created = create_sip_trunk.sync(client=client, body=carrier("Front desk"))
    other = client_with(READY["other_api_key"])
    for answer in (get_sip_trunk.sync(created.id, client=other), delete_sip_trunk.sync(created.id, client=other)):
        assert isinstance(answer, Error) and answer.error.code == ErrorCode.SIP_TRUNK_NOT_FOUND
    assert get_sip_trunk.sync(created.id, client=client) == created


def test_a_number_is_imported_changed_and_deleted(client):
    trunk = create_sip_trunk.sync(client=client, body=carrier("Front desk"))
    wanted = NewPhoneNumber(e164="+12025550123", provider=Kind.BYOC, label="Sales", trunk_id=trunk.id)
    answer = import_phone_number.sync_detailed(client=client, body=wanted, idempotency_key="number")
    imported = answer.parsed
    assert answer.status_code == 201 and isinstance(imported, PhoneNumber)
    assert answer.headers["Location"] == f"/v1/agents/phone-numbers/{imported.id}"
    assert (imported.e164, imported.type_, imported.trunk_id) == ("+12025550123", Kind.BYOC, trunk.id)
    assert imported.capabilities == [PhoneNumberCapabilitiesItem.INBOUND, PhoneNumberCapabilitiesItem.OUTBOUND]
    again = import_phone_number.sync_detailed(client=client, body=wanted, idempotency_key="number")
    assert again.parsed == imported and again.headers["Idempotent-Replayed"] == "true"
    taken = import_phone_number.sync(client=client, body=wanted)
    assert isinstance(taken, Error) and taken.error.code == ErrorCode.CONFLICT

    assert list_phone_numbers.sync(client=client).numbers == [imported]
    patch = PhoneNumberPatch(label="Reception", trunk_id=None)
    changed = update_phone_number.sync(imported.id, client=client, body=patch)
    assert (changed.label, changed.capabilities, bool(changed.trunk_id)) == ("Reception", [], False)
    assert get_phone_number.sync(imported.id, client=client) == changed

    assert delete_phone_number.sync_detailed(imported.id, client=client).status_code == 204
    gone = get_phone_number.sync(imported.id, client=client)
    assert isinstance(gone, Error) and gone.error.code == ErrorCode.PHONE_NUMBER_NOT_FOUND
