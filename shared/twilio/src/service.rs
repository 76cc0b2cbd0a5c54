use std::collections::BTreeSet;

use http::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use trunkline_connector::{BaseUrl, Connector};
use trunkline_domain::{AuthPassword, AuthUsername, E164, TrunkId, TwilioAccount};
use trunkline_provisioning::ports::{Failure, TwilioError, TwilioNumber, TwilioService};

use crate::page;
use crate::refusal::RestError;
use crate::rest::{Call, Repeat};

/// Where Twilio's APIs are.
#[derive(Debug, Clone)]
pub struct TwilioUrls {
    /// Phone numbers and credential lists (`TWILIO_API_URL`).
    pub api: BaseUrl,
    /// Trunks (`TWILIO_TRUNKING_URL`).
    pub trunking: BaseUrl,
}

impl Default for TwilioUrls {
    /// Twilio's own.
    fn default() -> Self {
        let own = |url: &str| url.parse().expect("a URL of a host");
        Self { api: own("https://api.twilio.com"), trunking: own("https://trunking.twilio.com") }
    }
}

/// Twilio's REST API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TwilioRest {
    connector: Connector,
    urls: TwilioUrls,
}

/// The items asked for on a page: by default an account has at most so many trunks and credential lists.
const PAGE_SIZE: &str = "100";
/// The pages of a list after which it is no list.
const MAX_PAGES: usize = 1000;

/// Relative importance and share of the one origination URL: Twilio's defaults.
const PRIORITY: &str = "10";
const WEIGHT: &str = "10";

/// Something with a sid, and maybe a name.
#[derive(Deserialize)]
struct Object {
    sid: String,
    friendly_name: Option<String>,
}

#[derive(Deserialize)]
struct IncomingPhoneNumber {
    sid: String,
    phone_number: String,
    trunk_sid: Option<String>,
    voice_application_sid: Option<String>,
}

impl TwilioRest {
    /// The API at `urls`.
    pub fn new(connector: Connector, urls: TwilioUrls) -> Self {
        Self { connector, urls }
    }

    /// Creates something; gives its sid.
    async fn create(
        &self,
        account: &TwilioAccount,
        base: &BaseUrl,
        path: &str,
        form: &[(&'static str, &str)],
    ) -> Result<String, RestError> {
        let call = Call { account, method: Method::POST, base, path, form, repeat: Repeat::IfNotDone };
        sid(&call.send(&self.connector).await?)
    }

    /// Deletes something that may not be there.
    async fn delete(&self, account: &TwilioAccount, base: &BaseUrl, path: &str) -> Result<(), RestError> {
        let call = Call { account, method: Method::DELETE, base, path, form: &[], repeat: Repeat::Always };
        match call.send(&self.connector).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_there() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All items of a list, page by page. `filter` is added to the query.
    async fn list<T: DeserializeOwned>(
        &self,
        account: &TwilioAccount,
        base: &BaseUrl,
        path: &str,
        key: &str,
        filter: Option<(&str, &str)>,
    ) -> Result<Vec<T>, RestError> {
        let mut query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(filter)
            .append_pair("PageSize", PAGE_SIZE)
            .finish();
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let path = &format!("{path}?{query}");
            let call = Call { account, method: Method::GET, base, path, form: &[], repeat: Repeat::Always };
            let body = call.send(&self.connector).await?;
            let (items, next) = page::read(&body, key).ok_or(Failure::Unanswered)?;
            all.extend::<Vec<T>>(items);
            match next {
                Some(next) => query = next,
                None => return Ok(all),
            }
        }
        Err(Failure::Unanswered.into())
    }
}

/// The path of something of the account's, by 2010-04-01.
fn of_account(account: &TwilioAccount, rest: &str) -> String {
    format!("/2010-04-01/Accounts/{}/{rest}.json", account.account_sid)
}

/// The path of something of a trunk's, by v1.
fn of_trunk(trunk_sid: &str, rest: &str) -> String {
    format!("/v1/Trunks/{trunk_sid}/{rest}")
}

/// The sid of what was created. An answer without one names nothing that could be kept or undone by sid.
fn sid(body: &[u8]) -> Result<String, RestError> {
    match serde_json::from_slice::<Object>(body) {
        // It becomes part of paths.
        Ok(Object { sid, .. }) if !sid.is_empty() && sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(sid),
        _ => Err(Failure::Unanswered.into()),
    }
}

/// Of these, the ones named after `id`.
fn named_after(objects: Vec<Object>, id: TrunkId) -> BTreeSet<String> {
    let name = id.to_string();
    objects.into_iter().filter(|object| object.friendly_name.as_ref() == Some(&name)).map(|object| object.sid).collect()
}

/// What Twilio says to be empty is not there.
fn present(sid: Option<String>) -> Option<String> {
    sid.filter(|sid| !sid.is_empty())
}

impl TwilioService for TwilioRest {
    async fn find_number(&self, account: &TwilioAccount, e164: &E164) -> Result<Option<TwilioNumber>, TwilioError> {
        let (path, number) = (of_account(account, "IncomingPhoneNumbers"), e164.to_string());
        let filter = Some(("PhoneNumber", number.as_str()));
        let found: Vec<IncomingPhoneNumber> = self
            .list(account, &self.urls.api, &path, "incoming_phone_numbers", filter)
            .await
            .map_err(|error| error.of_account().classify("GET IncomingPhoneNumbers"))?;
        // The filter lets longer numbers through too.
        let own = found.into_iter().find(|found| found.phone_number == number);
        Ok(own.map(|found| TwilioNumber {
            sid: found.sid,
            trunk_sid: present(found.trunk_sid),
            voice_application_sid: present(found.voice_application_sid),
        }))
    }

    async fn create_trunk(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
        domain_name: &str,
    ) -> Result<String, TwilioError> {
        let form = [("FriendlyName", id.to_string()), ("DomainName", domain_name.to_owned())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let created = self.create(account, &self.urls.trunking, "/v1/Trunks", &form).await;
        created.map_err(|error| error.of_account().classify("POST Trunks"))
    }

    async fn find_trunks(&self, account: &TwilioAccount, id: TrunkId) -> Result<BTreeSet<String>, TwilioError> {
        let trunks = self.list(account, &self.urls.trunking, "/v1/Trunks", "trunks", None).await;
        Ok(named_after(trunks.map_err(|error| error.of_account().classify("GET Trunks"))?, id))
    }

    async fn delete_trunk(&self, account: &TwilioAccount, trunk_sid: &str) -> Result<(), TwilioError> {
        let deleted = self.delete(account, &self.urls.trunking, &format!("/v1/Trunks/{trunk_sid}")).await;
        deleted.map_err(|error| error.classify("DELETE Trunks"))
    }

    async fn create_credential_list(&self, account: &TwilioAccount, id: TrunkId) -> Result<String, TwilioError> {
        let path = of_account(account, "SIP/CredentialLists");
        let created = self.create(account, &self.urls.api, &path, &[("FriendlyName", &id.to_string())]).await;
        created.map_err(|error| error.of_account().classify("POST SIP/CredentialLists"))
    }

    async fn find_credential_lists(
        &self,
        account: &TwilioAccount,
        id: TrunkId,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let path = of_account(account, "SIP/CredentialLists");
        let lists = self.list(account, &self.urls.api, &path, "credential_lists", None).await;
        Ok(named_after(lists.map_err(|error| error.of_account().classify("GET SIP/CredentialLists"))?, id))
    }

    async fn create_credential(
        &self,
        account: &TwilioAccount,
        list_sid: &str,
        username: &AuthUsername,
        password: &AuthPassword,
    ) -> Result<(), TwilioError> {
        let path = of_account(account, &format!("SIP/CredentialLists/{list_sid}/Credentials"));
        let form = [("Username", &*username.to_string()), ("Password", password.expose_secret())];
        let created = self.create(account, &self.urls.api, &path, &form).await;
        created.map(drop).map_err(|error| error.classify("POST SIP/CredentialLists/Credentials"))
    }

    async fn delete_credential_list(&self, account: &TwilioAccount, list_sid: &str) -> Result<(), TwilioError> {
        let path = of_account(account, &format!("SIP/CredentialLists/{list_sid}"));
        let deleted = self.delete(account, &self.urls.api, &path).await;
        deleted.map_err(|error| error.classify("DELETE SIP/CredentialLists"))
    }

    async fn attach_credential_list(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        list_sid: &str,
    ) -> Result<(), TwilioError> {
        let (path, form) = (of_trunk(trunk_sid, "CredentialLists"), [("CredentialListSid", list_sid)]);
        let attached = self.create(account, &self.urls.trunking, &path, &form).await;
        attached.map(drop).map_err(|error| error.classify("POST Trunks/CredentialLists"))
    }

    async fn create_origination_url(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        id: TrunkId,
        sip_url: &str,
    ) -> Result<(), TwilioError> {
        let name = id.to_string();
        let form = [
            ("FriendlyName", name.as_str()),
            ("SipUrl", sip_url),
            ("Priority", PRIORITY),
            ("Weight", WEIGHT),
            ("Enabled", "true"),
        ];
        let created = self.create(account, &self.urls.trunking, &of_trunk(trunk_sid, "OriginationUrls"), &form).await;
        created.map(drop).map_err(|error| error.classify("POST Trunks/OriginationUrls"))
    }

    async fn attach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let (path, form) = (of_trunk(trunk_sid, "PhoneNumbers"), [("PhoneNumberSid", number_sid)]);
        let attached = self.create(account, &self.urls.trunking, &path, &form).await;
        attached.map(drop).map_err(|error| error.classify("POST Trunks/PhoneNumbers"))
    }

    async fn detach_number(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
        number_sid: &str,
    ) -> Result<(), TwilioError> {
        let path = of_trunk(trunk_sid, &format!("PhoneNumbers/{number_sid}"));
        let detached = self.delete(account, &self.urls.trunking, &path).await;
        detached.map_err(|error| error.classify("DELETE Trunks/PhoneNumbers"))
    }

    async fn numbers_of_trunk(
        &self,
        account: &TwilioAccount,
        trunk_sid: &str,
    ) -> Result<BTreeSet<String>, TwilioError> {
        let path = of_trunk(trunk_sid, "PhoneNumbers");
        match self.list::<Object>(account, &self.urls.trunking, &path, "phone_numbers", None).await {
            Ok(numbers) => Ok(numbers.into_iter().map(|number| number.sid).collect()),
            Err(error) if error.is_not_there() => Ok(BTreeSet::new()),
            Err(error) => Err(error.classify("GET Trunks/PhoneNumbers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twilio_is_at_its_own_hosts() {
        let TwilioUrls { api, trunking } = TwilioUrls::default();
        assert_eq!(api, "https://api.twilio.com".parse().unwrap());
        assert_eq!(trunking, "https://trunking.twilio.com".parse().unwrap());
    }
}
