import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});
const TableName = process.env.TABLE_NAME;
const text = (value) => ({ S: value });
const number = (value) => ({ N: String(value) });

export class AtCap extends Error {}

export async function workspaceOf(hash) {
  const Key = { pk: text(`KEY#${hash}`), sk: text("KEY") };
  const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
  return Item?.state.S === "active" ? Item.workspace_id.S : undefined;
}

export async function reserve(workspace, trunk, secretName, owner) {
  const until = number(Math.ceil(Date.now() / 1000) + 30);
  const Item = {
    pk: text(`WS#${workspace}`), sk: text(`TRUNK#${trunk.id}`),
    workspace_id: text(workspace), trunk_id: text(trunk.id), state: text("provisioning"), version: number(0),
    name: text(trunk.name), kind: text(trunk.kind), direction: text(trunk.direction),
    sip_address: text(trunk.sip_address), allowed_addresses: { L: trunk.allowed_addresses.map(text) },
    transport: text(trunk.transport), media_encryption: text(trunk.media_encryption),
    created_at: text(trunk.created_at), updated_at: text(trunk.updated_at),
    lease_owner: text(owner), lease_until: until,
    sweep_shard: text(`S${trunk.id.charCodeAt(trunk.id.length - 1) % 4}`), sweep_at: until,
    ...(secretName && { auth_username: text(trunk.auth_username), secret_name: text(secretName) }),
    ...(trunk.direction !== "outbound" && { inbound_auth: text("none") }),
    ...(trunk.destination_country && { destination_country: text(trunk.destination_country) }),
  };
  const countUp = {
    TableName,
    Key: { pk: text(`WS#${workspace}`), sk: text("WS") },
    UpdateExpression: "ADD trunk_count :one",
    ConditionExpression:
      "attribute_exists(pk) AND (trunk_count < trunk_limit " +
      "OR (attribute_not_exists(trunk_limit) AND trunk_count < :default_limit))",
    ExpressionAttributeValues: { ":one": number(1), ":default_limit": number(20) },
  };
  const put = { TableName, Item, ConditionExpression: "attribute_not_exists(pk)" };
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update: countUp }, { Put: put }] }));
  } catch (error) {
    if (error.CancellationReasons?.[0].Code === "ConditionalCheckFailed") throw new AtCap();
    throw error;
  }
}

export async function commit(workspace, trunk, ids, owner) {
  const names = Object.keys(ids);
  const set = names.map((name) => `, ${name} = :${name}`).join("");
  const Update = {
    TableName,
    Key: { pk: text(`WS#${workspace}`), sk: text(`TRUNK#${trunk.id}`) },
    UpdateExpression:
      `SET #state = :active, version = :version, updated_at = :updated_at${set} ` +
      "REMOVE lease_owner, lease_until, sweep_shard, sweep_at",
    ConditionExpression: "#state = :provisioning AND lease_owner = :owner",
    ExpressionAttributeNames: { "#state": "state" },
    ExpressionAttributeValues: {
      ":active": text("active"), ":provisioning": text("provisioning"), ":version": number(1),
      ":updated_at": text(trunk.updated_at), ":owner": text(owner),
      ...Object.fromEntries(names.map((name) => [`:${name}`, text(ids[name])])),
    },
  };
  await client.send(new TransactWriteItemsCommand({ TransactItems: [{ Update }] }));
}
