"""create-sip-trunk in Python, with the official SDKs."""

import asyncio
import hashlib
import json
import os
import secrets
import time
from datetime import UTC, datetime

import boto3
from livekit.api import LiveKitAPI

import sip
from table import AtCap, Table
from trunk import Invalid, parse

table = Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"])
secrets_manager = boto3.client("secretsmanager")


def handle(event, _context):
    key = event["headers"].get("authorization", "").removeprefix("Bearer ")
    workspace = table.workspace_of(hashlib.sha256(key.encode()).hexdigest())
    if workspace is None:
        return failed(401, "unauthorized")
    try:
        settings, password = parse(event["body"])
    except Invalid as invalid:
        return failed(400, "validation_failed", invalid.fields)

    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    trunk = {"id": new_id(), **settings, "created_at": now, "updated_at": now}
    secret_name = f"{os.environ['SECRET_PREFIX']}{workspace}/{trunk['id']}" if password else None
    owner = secrets.token_hex(16)
    try:
        table.reserve(workspace, trunk, secret_name, owner, int(time.time()) + 30)
    except AtCap:
        return failed(402, "payment_required")
    ids = asyncio.run(provision(workspace, trunk, secret_name, password))
    table.commit(workspace, trunk, ids, owner)
    body = {**trunk, "auth_password_set": bool(password), **ids}
    if trunk["direction"] != "outbound":
        body["inbound_sip_uri"] = f"sip:{trunk['id']}@{os.environ['LIVEKIT_SIP_HOST']}"
    return answer(201, body)


async def provision(workspace, trunk, secret_name, password):
    # The URL and the key are read from the environment.
    async with LiveKitAPI() as livekit:
        steps = []
        if trunk["direction"] != "outbound":
            steps.append(sip.create_inbound(livekit.sip, workspace, trunk))
        if trunk["direction"] != "inbound":
            steps.append(sip.create_outbound(livekit.sip, workspace, trunk, password))
        secret = asyncio.to_thread(create_secret, secret_name, trunk, password) if password else asyncio.sleep(0)
        _, *made = await asyncio.gather(secret, *steps)
    return {name: value for ids in made for name, value in ids.items()}


def create_secret(name, trunk, password):
    value = json.dumps({"auth_password": password})
    secrets_manager.create_secret(Name=name, ClientRequestToken=trunk["id"], SecretString=value)


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def failed(status, code, fields=None):
    return answer(status, {"error": {"code": code, "fields": fields or {}}})


def new_id():
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return "trunk_" + secrets.choice(alphabet[:8]) + "".join(secrets.choice(alphabet) for _ in range(25))
