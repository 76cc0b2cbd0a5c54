"""The local service that functions work on: its emulators, and what a function has to be told of them."""

import hashlib
import http.client
import json
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import events

PATIENCE_S = 30

# No sweep in between.
ENVIRONMENT = {"SWEEP_INTERVAL_SECONDS": "86400"}

TRUNK_LIMIT = 1_000_000


class Service:
    """A `trunkline dev` with its state in memory, as long as the `with` block is."""

    def __init__(self, binary, target, name="service"):
        self.command = [str(binary), "dev", "--port", "0", "--ready-file"]
        self.ready_file, self.log = (Path(target) / "bench" / f"{name}.{kind}" for kind in ("json", "log"))

    def __enter__(self):
        self.ready_file.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            command = [*self.command, str(self.ready_file)]
            self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
        try:
            self.ready = self._wait()
            self.table = _Aws(self.ready, self.ready["dynamodb_url"], "dynamodb", "DynamoDB_20120810", "1.0")
            self.secrets = _Aws(
                self.ready, self.ready["secretsmanager_url"], "secretsmanager", "secretsmanager", "1.1"
            )
            self._lift_cap()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Its state is in memory.
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _wait(self):
        end = time.monotonic() + PATIENCE_S
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the service is not ready: {self.log}")
            time.sleep(0.05)
        return json.loads(self.ready_file.read_text())

    def _lift_cap(self):
        """The workspaces may hold a trunk of every run."""
        for api_key in (self.ready["api_key"], self.ready["other_api_key"]):
            key = f"KEY#{hashlib.sha256(api_key.encode()).hexdigest()}"
            record = self.read(key, "KEY")
            update = {
                "TableName": self.ready["table_name"],
                "Key": {"pk": {"S": f"WS#{record['workspace_id']['S']}"}, "sk": {"S": "WS"}},
                "UpdateExpression": "SET trunk_limit = :limit",
                "ExpressionAttributeValues": {":limit": {"N": str(TRUNK_LIMIT)}},
            }
            self.table.call("UpdateItem", update)

    def create_trunk(self, api_key):
        """Has the service itself create a trunk, and gives its id."""
        event = json.loads(events.create(api_key))
        connection = http.client.HTTPConnection(urlsplit(self.ready["url"]).netloc)
        headers = {name: event["headers"][name] for name in ("authorization", "content-type")}
        connection.request("POST", event["rawPath"], event["body"], headers)
        with connection.getresponse() as response:
            return json.loads(response.read())["id"]

    def read(self, partition, sort):
        """A record of the table."""
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        return self.table.call("GetItem", {"TableName": self.ready["table_name"], "Key": key})["Item"]

    def environment(self):
        """A function's, with LiveKit's key in it."""
        ready = self.ready
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

    def deployed_environment(self, line):
        """A deployed function's, whose LiveKit key is a secret, with the systems behind `line` (proxy.Line). The
        peers, which know no such secret, find the key beside it."""
        key = {"api_key": self.ready["livekit_api_key"], "api_secret": self.ready["livekit_api_secret"]}
        name = f"livekit-{time.time_ns()}"
        token = f"{name:0>32}"
        secret = {"Name": name, "ClientRequestToken": token, "SecretString": json.dumps(key)}
        arn = self.secrets.call("CreateSecret", secret)["ARN"]
        return {**self.environment(), **line.environment, "LIVEKIT_SECRET_ARN": arn}


class _Aws:
    """One of the emulated AWS services."""

    def __init__(self, ready, url, name, target, version):
        self.connection, self.target = http.client.HTTPConnection(urlsplit(url).netloc), target
        credential = f"{ready['aws_access_key_id']}/20260101/{ready['aws_region']}/{name}/aws4_request"
        self.headers = {
            "content-type": f"application/x-amz-json-{version}",
            # The emulators want a signature and do not check it.
            "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=0",
            "x-amz-date": "20260101T000000Z",
        }

    def call(self, operation, request):
        headers = {**self.headers, "x-amz-target": f"{self.target}.{operation}"}
        self.connection.request("POST", "/", json.dumps(request), headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise RuntimeError(f"{operation}: {str(answer)[:500]}")
        return answer
