use serde_json::Value;
use trunkline_domain::{E164, TwilioAccount};
use trunkline_provisioning::ports::TwilioService;
use trunkline_twilio::TwilioRest;

use crate::faulty::account::{ListThere, NumberThere, OnAccount, TrunkThere};
use crate::probe;

/// All that an account has.
pub(super) async fn read(accounts: &probe::Twilio, account: &TwilioAccount) -> OnAccount {
    let mut there = OnAccount::default();
    for trunk in accounts.list(account, "/v1/Trunks", "trunks").await {
        let path = format!("/v1/Trunks/{}", text(&trunk, "sid"));
        let urls = accounts.list(account, &format!("{path}/OriginationUrls"), "origination_urls").await;
        let lists = accounts.list(account, &format!("{path}/CredentialLists"), "credential_lists").await;
        let trunk_there = TrunkThere {
            name: text(&trunk, "friendly_name"),
            domain_name: maybe(&trunk, "domain_name"),
            origination_urls: urls.iter().map(|url| (text(url, "friendly_name"), text(url, "sip_url"))).collect(),
            lists: lists.iter().map(|list| text(list, "sid")).collect(),
        };
        there.trunks.insert(text(&trunk, "sid"), trunk_there);
    }
    for list in accounts.list(account, "/SIP/CredentialLists.json", "credential_lists").await {
        let path = format!("/SIP/CredentialLists/{}/Credentials.json", text(&list, "sid"));
        let credentials = accounts.list(account, &path, "credentials").await;
        let usernames = credentials.iter().map(|credential| text(credential, "username")).collect();
        there.lists.insert(text(&list, "sid"), ListThere { name: text(&list, "friendly_name"), usernames });
    }
    for number in accounts.list(account, "/IncomingPhoneNumbers.json", "incoming_phone_numbers").await {
        let number_there = NumberThere {
            e164: E164::parse(&text(&number, "phone_number")).unwrap(),
            trunk_sid: maybe(&number, "trunk_sid"),
            application_sid: maybe(&number, "voice_application_sid"),
        };
        there.numbers.insert(text(&number, "sid"), number_there);
    }
    there
}

/// Leaves the account what is the customer's own.
pub(super) async fn clear(twilio: &TwilioRest, accounts: &probe::Twilio, account: &TwilioAccount) {
    let OnAccount { trunks, lists, .. } = read(accounts, account).await;
    for (sid, _) in trunks.iter().filter(|(_, trunk)| !trunk.is_of_customer()) {
        twilio.delete_trunk(account, sid).await.unwrap();
    }
    for sid in lists.keys() {
        twilio.delete_credential_list(account, sid).await.unwrap();
    }
}

fn text(value: &Value, field: &str) -> String {
    maybe(value, field).unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn maybe(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
