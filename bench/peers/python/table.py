"""Trunks in DynamoDB."""


class AtCap(Exception):
    """The workspace has all the trunks it may have."""


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


class Table:
    def __init__(self, client, name):
        self.client = client
        self.name = name

    def workspace_of(self, key_hash):
        found = self.client.get_item(TableName=self.name, Key={"pk": text(f"KEY#{key_hash}"), "sk": text("KEY")})
        record = found.get("Item")
        return record["workspace_id"]["S"] if record and record["state"]["S"] == "active" else None

    def reserve(self, workspace, trunk, secret_name, owner, until):
        record = {
            "pk": text(f"WS#{workspace}"),
            "sk": text(f"TRUNK#{trunk['id']}"),
            "workspace_id": text(workspace),
            "trunk_id": text(trunk["id"]),
            "state": text("provisioning"),
            "version": number(0),
            "allowed_addresses": {"L": [text(address) for address in trunk["allowed_addresses"]]},
            "lease_owner": text(owner),
            "lease_until": number(until),
            "sweep_shard": text(f"S{ord(trunk['id'][-1]) % 4}"),
            "sweep_at": number(until),
        }
        record |= {name: text(value) for name, value in trunk.items() if name not in ("id", "allowed_addresses")}
        if secret_name:
            record["secret_name"] = text(secret_name)
        if trunk["direction"] != "outbound":
            record["inbound_auth"] = text("none")
        count_up = {
            "TableName": self.name,
            "Key": {"pk": text(f"WS#{workspace}"), "sk": text("WS")},
            "UpdateExpression": "ADD trunk_count :one",
            "ConditionExpression": "attribute_exists(pk) AND (trunk_count < trunk_limit "
            "OR (attribute_not_exists(trunk_limit) AND trunk_count < :default_limit))",
            "ExpressionAttributeValues": {":one": number(1), ":default_limit": number(20)},
        }
        put = {"TableName": self.name, "Item": record, "ConditionExpression": "attribute_not_exists(pk)"}
        try:
            self.client.transact_write_items(TransactItems=[{"Update": count_up}, {"Put": put}])
        except self.client.exceptions.TransactionCanceledException as error:
            if error.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed":
                raise AtCap from error
            raise

    def commit(self, workspace, trunk, ids, owner):
        ids_set = "".join(f", {name} = :{name}" for name in ids)
        update = {
            "TableName": self.name,
            "Key": {"pk": text(f"WS#{workspace}"), "sk": text(f"TRUNK#{trunk['id']}")},
            "UpdateExpression": f"SET #state = :active, version = :version, updated_at = :updated_at{ids_set} "
            "REMOVE lease_owner, lease_until, sweep_shard, sweep_at",
            "ConditionExpression": "#state = :provisioning AND lease_owner = :owner",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {
                ":active": text("active"),
                ":provisioning": text("provisioning"),
                ":version": number(1),
                ":updated_at": text(trunk["updated_at"]),
                ":owner": text(owner),
                **{f":{name}": text(value) for name, value in ids.items()},
            },
        }
        self.client.transact_write_items(TransactItems=[{"Update": update}])
