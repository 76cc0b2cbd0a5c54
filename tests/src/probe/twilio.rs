use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde_json::Value;
use trunkline_domain::{AuthToken, TwilioAccount};

/// Twilio's REST API, as an account's owner sees it.
#[derive(Debug, Clone)]
pub struct Twilio {
    http: reqwest::Client,
    url: String,
}

/// What an account has, each kind by its sids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTwilio {
    /// Elastic SIP trunks.
    pub trunks: Vec<TwilioTrunk>,
    /// Credential lists.
    pub credential_lists: Vec<CredentialList>,
    /// Phone numbers.
    pub numbers: Vec<TwilioNumber>,
}

/// An Elastic SIP trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioTrunk {
    /// Twilio's id.
    pub sid: String,
    /// Its `friendly_name`.
    pub name: String,
    /// Where it takes calls out.
    pub domain_name: Option<String>,
    /// Where it sends calls in, by name and URL.
    pub origination_urls: Vec<(String, String)>,
    /// The sids of the lists of those who may call out.
    pub credential_lists: Vec<String>,
    /// The attached numbers, in E.164.
    pub numbers: Vec<String>,
}

/// A list of SIP credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialList {
    /// Twilio's id.
    pub sid: String,
    /// Its `friendly_name`.
    pub name: String,
    /// Who is in it.
    pub usernames: Vec<String>,
}

/// A phone number, and who answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioNumber {
    /// Twilio's id.
    pub sid: String,
    /// In E.164.
    pub e164: String,
    /// A trunk.
    pub trunk_sid: Option<String>,
    /// A TwiML application.
    pub voice_application_sid: Option<String>,
}

impl OnTwilio {
    /// The number.
    #[track_caller]
    pub fn number(&self, e164: &str) -> &TwilioNumber {
        self.numbers.iter().find(|number| number.e164 == e164).unwrap_or_else(|| panic!("no {e164} in {self:?}"))
    }

    /// The trunks of that name.
    pub fn trunks_named(&self, name: &str) -> Vec<&TwilioTrunk> {
        self.trunks.iter().filter(|trunk| trunk.name == name).collect()
    }

    /// The credential lists of that name.
    pub fn credential_lists_named(&self, name: &str) -> Vec<&CredentialList> {
        self.credential_lists.iter().filter(|list| list.name == name).collect()
    }
}

impl Twilio {
    /// The API at `url`.
    pub fn new(url: String) -> Self {
        Self { http: crate::client::http(), url }
    }

    /// What is at `path`: v1 by the path, 2010-04-01 by what follows the account in it.
    pub async fn read(&self, account: &TwilioAccount, path: &str) -> Value {
        let account_sid = &account.account_sid;
        let url = match path.starts_with("/v1/") {
            true => format!("{}{path}", self.url),
            false => format!("{}/2010-04-01/Accounts/{account_sid}{path}", self.url),
        };
        let answer = owned(self.http.get(url), account).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// The whole list at `path`, by what names it.
    async fn list(&self, account: &TwilioAccount, path: &str, name: &str) -> Vec<Value> {
        let mut page = self.read(account, &format!("{path}?PageSize=1000")).await;
        let Value::Array(items) = page[name].take() else { panic!("no {name} at {path}") };
        items
    }

    /// Changes the account's auth token: the one that opened it opens it no more.
    pub async fn change_token(&self, account: &TwilioAccount) -> TwilioAccount {
        let mut changed = Value::Null;
        for resource in ["Secondary", "Promote"] {
            let request = self.http.post(format!("{}/v1/AuthTokens/{resource}", self.url));
            changed = owned(request, account).send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        }
        let auth_token = AuthToken::parse(&text(&changed, "auth_token")).unwrap();
        TwilioAccount { account_sid: account.account_sid.clone(), auth_token }
    }

    /// Puts a number on a trunk, as the account's owner would.
    pub async fn attach(&self, account: &TwilioAccount, trunk_sid: &str, number_sid: &str) {
        let request = self.http.post(format!("{}/v1/Trunks/{trunk_sid}/PhoneNumbers", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = owned(request, account).body(format!("PhoneNumberSid={number_sid}")).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// Takes a number off a trunk, as the account's owner would.
    pub async fn detach(&self, account: &TwilioAccount, trunk_sid: &str, number_sid: &str) {
        let request = self.http.delete(format!("{}/v1/Trunks/{trunk_sid}/PhoneNumbers/{number_sid}", self.url));
        owned(request, account).send().await.unwrap().error_for_status().unwrap();
    }

    /// Deletes a trunk, as the account's owner would.
    pub async fn delete_trunk(&self, account: &TwilioAccount, trunk_sid: &str) {
        let request = self.http.delete(format!("{}/v1/Trunks/{trunk_sid}", self.url));
        owned(request, account).send().await.unwrap().error_for_status().unwrap();
    }

    /// All that an account has.
    pub async fn all(&self, account: &TwilioAccount) -> OnTwilio {
        let mut trunks = Vec::new();
        for trunk in self.list(account, "/v1/Trunks", "trunks").await {
            let path = format!("/v1/Trunks/{}", text(&trunk, "sid"));
            let urls = self.list(account, &format!("{path}/OriginationUrls"), "origination_urls").await;
            let lists = self.list(account, &format!("{path}/CredentialLists"), "credential_lists").await;
            let numbers = self.list(account, &format!("{path}/PhoneNumbers"), "phone_numbers").await;
            trunks.push(TwilioTrunk {
                sid: text(&trunk, "sid"),
                name: text(&trunk, "friendly_name"),
                domain_name: maybe(&trunk, "domain_name"),
                origination_urls: urls.iter().map(|url| (text(url, "friendly_name"), text(url, "sip_url"))).collect(),
                credential_lists: lists.iter().map(|list| text(list, "sid")).collect(),
                numbers: numbers.iter().map(|number| text(number, "phone_number")).collect(),
            });
        }
        let mut credential_lists = Vec::new();
        for list in self.list(account, "/SIP/CredentialLists.json", "credential_lists").await {
            let path = format!("/SIP/CredentialLists/{}/Credentials.json", text(&list, "sid"));
            let credentials = self.list(account, &path, "credentials").await;
            credential_lists.push(CredentialList {
                sid: text(&list, "sid"),
                name: text(&list, "friendly_name"),
                usernames: credentials.iter().map(|credential| text(credential, "username")).collect(),
            });
        }
        let numbers = self.list(account, "/IncomingPhoneNumbers.json", "incoming_phone_numbers").await;
        let number = |number: &Value| TwilioNumber {
            sid: text(number, "sid"),
            e164: text(number, "phone_number"),
            trunk_sid: maybe(number, "trunk_sid"),
            voice_application_sid: maybe(number, "voice_application_sid"),
        };
        OnTwilio { trunks, credential_lists, numbers: numbers.iter().map(number).collect() }
    }
}

/// The request as the account's owner makes it.
fn owned(request: RequestBuilder, account: &TwilioAccount) -> RequestBuilder {
    request.basic_auth(&account.account_sid, Some(account.auth_token.expose_secret()))
}

fn text(value: &Value, field: &str) -> String {
    maybe(value, field).unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// 2010-04-01 says nothing by an empty text too.
fn maybe(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
