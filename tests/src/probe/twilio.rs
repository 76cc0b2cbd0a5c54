use secrecy::ExposeSecret;
use serde_json::Value;
use trunkline_domain::TwilioAccount;

/// Twilio's REST API, as an account's owner sees it.
#[derive(Debug, Clone)]
pub struct Twilio {
    http: reqwest::Client,
    url: String,
}

impl Twilio {
    /// The API at `url`.
    pub fn new(url: String) -> Self {
        Self { http: crate::client::http(), url }
    }

    /// What is at `path`: v1 by the path, 2010-04-01 by what follows the account in it.
    pub async fn read(&self, account: &TwilioAccount, path: &str) -> Value {
        let TwilioAccount { account_sid, auth_token } = account;
        let url = match path.starts_with("/v1/") {
            true => format!("{}{path}", self.url),
            false => format!("{}/2010-04-01/Accounts/{account_sid}{path}", self.url),
        };
        let request = self.http.get(url).basic_auth(account_sid, Some(auth_token.expose_secret()));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// The whole list at `path`, by what names it.
    pub async fn list(&self, account: &TwilioAccount, path: &str, name: &str) -> Vec<Value> {
        let mut page = self.read(account, &format!("{path}?PageSize=1000")).await;
        let Value::Array(items) = page[name].take() else { panic!("no {name} at {path}") };
        items
    }
}
