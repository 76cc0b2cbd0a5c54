"""From the start of create-sip-trunk to its answer to a first event, alternated with the same function in other
languages, all against one local service.

Called by bench/run: RUNS TARGET READY_FILE
"""

import json
import sys
import urllib.request
from pathlib import Path

import contestants
import table
from runtime_api import Broken, measure

OURS = "create-sip-trunk"


def main(runs, target, ready_file):
    target, ready = Path(target), json.loads(Path(ready_file).read_text())
    lift_cap(ready)
    event = create_event(ready["api_key"])
    entrants = [contestants.binary(target, OURS, environment(ready)), *contestants.peers(target, environment(ready))]
    samples = contestants.alternate(entrants, int(runs), lambda entrant, log: create(entrant, log, event), target)
    show(samples, int(runs))


def create(entrant, log, event):
    sample = measure(entrant.command, entrant.environment, log, event)
    response = json.loads(sample.response)
    if response["statusCode"] != 201 or len([name for name in json.loads(response["body"]) if "livekit" in name]) != 3:
        raise Broken(f"{entrant.name}: {response}")
    return sample


def environment(ready):
    return {
        # Lambda sets both.
        "AWS_REGION": ready["aws_region"],
        "AWS_DEFAULT_REGION": ready["aws_region"],
        "AWS_ACCESS_KEY_ID": ready["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ready["aws_secret_access_key"],
        "AWS_ENDPOINT_URL_DYNAMODB": ready["dynamodb_url"],
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": ready["secretsmanager_url"],
        "TABLE_NAME": ready["table_name"],
        "SECRET_PREFIX": ready["secret_prefix"],
        "LIVEKIT_URL": ready["livekit_url"],
        "LIVEKIT_API_KEY": ready["livekit_api_key"],
        "LIVEKIT_API_SECRET": ready["livekit_api_secret"],
        "LIVEKIT_SIP_HOST": "sip.example.com",
    }


def create_event(api_key):
    event = json.loads((contestants.ROOT / "events" / OURS / "byoc-both.json").read_text())
    event["headers"]["authorization"] = f"Bearer {api_key}"
    return json.dumps(event).encode()


def lift_cap(ready):
    """The workspace may hold a trunk of every run."""
    update = {
        "TableName": ready["table_name"],
        "Key": {"pk": {"S": f"WS#{ready['workspace_id']}"}, "sk": {"S": "WS"}},
        "UpdateExpression": "SET trunk_limit = :limit",
        "ExpressionAttributeValues": {":limit": {"N": "1000000"}},
    }
    credential = f"{ready['aws_access_key_id']}/20260101/{ready['aws_region']}/dynamodb/aws4_request"
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.UpdateItem",
        # The embedded DynamoDB wants a signature and does not check it.
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=0",
        "x-amz-date": "20260101T000000Z",
    }
    urllib.request.urlopen(urllib.request.Request(ready["dynamodb_url"], json.dumps(update).encode(), headers)).close()


def show(samples, runs):
    ours_ms, _, _ = table.figures([sample.response_ms for sample in samples[OURS]])
    ours_kib, _, _ = table.figures([sample.response_kib for sample in samples[OURS]])
    rows = []
    for name, taken in samples.items():
        ready_ms, _, _ = table.figures([sample.ready_ms for sample in taken])
        middle, low, high = table.figures([sample.response_ms for sample in taken])
        kib, _, _ = table.figures([sample.response_kib for sample in taken])
        rows.append(
            [name, f"{ready_ms:.2f}", f"{middle:.2f}", f"{low:.2f}", f"{high:.2f}", f"{middle / ours_ms:.1f}"]
            + [f"{kib / 1024:.1f}", f"{kib / ours_kib:.1f}"]
        )
    header = ["function", "ready ms", "first answer ms", "p10", "p90", "x ours", "peak MiB", "x ours"]
    table.show(f"From spawn to the answer to a first create, {runs} runs each, alternated", header, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
