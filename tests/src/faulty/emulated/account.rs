use trunkline_domain::{E164, TwilioAccount};
use trunkline_provisioning::ports::TwilioService;
use trunkline_twilio::TwilioRest;

use crate::faulty::account::{ListThere, NumberThere, OnAccount, TrunkThere};
use crate::probe;

/// All that an account has.
pub(super) async fn read(accounts: &probe::Twilio, account: &TwilioAccount) -> OnAccount {
    let probe::OnTwilio { trunks, credential_lists, numbers } = accounts.all(account).await;
    let trunk = |trunk: probe::TwilioTrunk| {
        let there = TrunkThere {
            name: trunk.name,
            domain_name: trunk.domain_name,
            origination_urls: trunk.origination_urls,
            lists: trunk.credential_lists.into_iter().collect(),
        };
        (trunk.sid, there)
    };
    let list = |list: probe::CredentialList| {
        (list.sid, ListThere { name: list.name, usernames: list.usernames.into_iter().collect() })
    };
    let number = |number: probe::TwilioNumber| {
        let there = NumberThere {
            e164: E164::parse(&number.e164).unwrap(),
            trunk_sid: number.trunk_sid,
            application_sid: number.voice_application_sid,
        };
        (number.sid, there)
    };
    OnAccount {
        trunks: trunks.into_iter().map(trunk).collect(),
        lists: credential_lists.into_iter().map(list).collect(),
        numbers: numbers.into_iter().map(number).collect(),
    }
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
