"""Lets both workspaces hold more trunks than the run creates, and writes their keys as Schemathesis reads them:
prepare.py READY_FILE AUTH_FILE"""

import hashlib
import json
import os
import sys

import boto3

ready_file, auth_file = sys.argv[1:]
with open(ready_file) as file:
    ready = json.load(file)

table = boto3.resource(
    "dynamodb",
    endpoint_url=ready["dynamodb_url"],
    region_name=ready["aws_region"],
    aws_access_key_id=ready["aws_access_key_id"],
    aws_secret_access_key=ready["aws_secret_access_key"],
).Table(ready["table_name"])

users = {"workspace": ready["api_key"], "other-workspace": ready["other_api_key"]}
for key in users.values():
    record = f"KEY#{hashlib.sha256(key.encode()).hexdigest()}"
    workspace = table.get_item(Key={"pk": record, "sk": "KEY"})["Item"]["workspace_id"]
    table.update_item(
        Key={"pk": f"WS#{workspace}", "sk": "WS"},
        UpdateExpression="SET trunk_limit = :limit",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":limit": 10_000},
    )

auth = [
    {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}
    for name, key in users.items()
]
descriptor = os.open(auth_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with open(descriptor, "w") as file:
    # YAML 1.2 holds JSON.
    json.dump({"auth": auth}, file)
