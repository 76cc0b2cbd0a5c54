import { isIP } from "node:net";

const FIELDS = new Set([
  "name", "kind", "direction", "sip_address", "auth_username", "auth_password", "allowed_addresses",
  "destination_country", "transport", "media_encryption", "inbound_auth", "credentials",
]);

// The settings and the password that a body asks for, or what is wrong with it, by field.
export function parse(body) {
  let sent;
  try {
    sent = JSON.parse(body);
  } catch {
    return { violations: { body: "must be JSON" } };
  }
  const violations = {};
  const check = (valid, field, message) => {
    if (!valid) violations[field] = message;
  };
  for (const field of Object.keys(sent)) check(FIELDS.has(field), field, "unknown field");
  const name = String(sent.name ?? "").trim();
  const sipAddress = String(sent.sip_address ?? "").toLowerCase();
  const country = sent.destination_country?.toUpperCase();
  const { kind, direction, transport = "auto", media_encryption = "allow", allowed_addresses = [] } = sent;
  check(name && name.length <= 128, "name", "must have 1 to 128 characters");
  check(kind === "byoc", "kind", "must be byoc");
  check(["inbound", "outbound", "both"].includes(direction), "direction", "is unknown");
  check(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/.test(sipAddress), "sip_address", "must be a host");
  check(!sent.auth_username === !sent.auth_password, "auth_password", "goes with auth_username");
  check(!country || /^[A-Z]{2}$/.test(country), "destination_country", "must be ISO 3166-1 alpha-2");
  check(["auto", "udp", "tcp", "tls"].includes(transport), "transport", "is unknown");
  check(["disable", "allow", "require"].includes(media_encryption), "media_encryption", "is unknown");
  check(allowed_addresses.length <= 64, "allowed_addresses", "must be 64 at most");
  check(allowed_addresses.every(isNetwork), "allowed_addresses", "must be addresses or CIDR blocks");
  if (Object.keys(violations).length) return { violations };
  const settings = {
    name, kind, direction, sip_address: sipAddress, auth_username: sent.auth_username, allowed_addresses,
    destination_country: country, transport, media_encryption,
  };
  return { settings, password: sent.auth_password };
}

function isNetwork(text) {
  const [address, bits, ...rest] = text.split("/");
  const version = isIP(address);
  return Boolean(version) && !rest.length && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
}
