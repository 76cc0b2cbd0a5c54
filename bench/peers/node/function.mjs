import { createHash, randomBytes, randomUUID } from "node:crypto";
import { SecretsManagerClient, CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import { createInbound, createOutbound } from "./sip.mjs";
import { AtCap, commit, reserve, workspaceOf } from "./table.mjs";
import { parse } from "./trunk.mjs";

const { SECRET_PREFIX, LIVEKIT_SIP_HOST } = process.env;
const secrets = new SecretsManagerClient({});

export async function handle(event) {
  const key = (event.headers.authorization ?? "").replace(/^Bearer /, "");
  const workspace = await workspaceOf(createHash("sha256").update(key).digest("hex"));
  if (!workspace) return failed(401, "unauthorized");
  const { settings, password, violations } = parse(event.body);
  if (violations) return failed(400, "validation_failed", violations);

  const now = new Date().toISOString();
  const trunk = { id: newId(), ...settings, created_at: now, updated_at: now };
  const owner = randomUUID();
  const secretName = password && `${SECRET_PREFIX}${workspace}/${trunk.id}`;
  try {
    await reserve(workspace, trunk, secretName, owner);
  } catch (error) {
    if (error instanceof AtCap) return failed(402, "payment_required");
    throw error;
  }
  const [, inbound, outbound] = await Promise.all([
    password && createSecret(secretName, trunk, password),
    trunk.direction !== "outbound" && createInbound(workspace, trunk),
    trunk.direction !== "inbound" && createOutbound(workspace, trunk, password),
  ]);
  const ids = { ...inbound, ...outbound };
  await commit(workspace, trunk, ids, owner);
  const uri = inbound && { inbound_sip_uri: `sip:${trunk.id}@${LIVEKIT_SIP_HOST}` };
  return answer(201, { ...trunk, auth_password_set: Boolean(password), ...ids, ...uri });
}

function createSecret(name, trunk, password) {
  return secrets.send(
    new CreateSecretCommand({
      Name: name,
      ClientRequestToken: trunk.id,
      SecretString: JSON.stringify({ auth_password: password }),
    }),
  );
}

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function failed(statusCode, code, fields = {}) {
  return answer(statusCode, { error: { code, fields } });
}

function newId() {
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  const characters = Array.from(randomBytes(26), (byte, at) => alphabet[byte % (at ? 32 : 8)]);
  return `trunk_${characters.join("")}`;
}
