use trunkline_domain::TwilioAccount;
use trunkline_provisioning::ports::TwilioService;
use trunkline_twilio::TwilioRest;

use crate::faulty::account::OnAccount;
use crate::probe;

/// Leaves the account what is the customer's own.
pub(super) async fn clear(twilio: &TwilioRest, accounts: &probe::Twilio, account: &TwilioAccount) {
    let OnAccount { trunks, lists, .. } = OnAccount::read(accounts, account).await;
    for (sid, _) in trunks.iter().filter(|(_, trunk)| !trunk.is_of_customer()) {
        twilio.delete_trunk(account, sid).await.unwrap();
    }
    for sid in lists.keys() {
        twilio.delete_credential_list(account, sid).await.unwrap();
    }
}
