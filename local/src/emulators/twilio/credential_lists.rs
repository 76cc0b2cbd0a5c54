//! SIP credential lists and the credentials in them
//! (<https://www.twilio.com/docs/voice/sip/api/sip-credentiallist-resource>).

use serde_json::{Value, json};

use super::{
    Context,
    store::{self, Credential, CredentialList},
    trunks::NAME_MAX,
    wire::{Answer, Code, TwilioError, rfc_2822},
};

/// How long a user name may be.
const USERNAME_MAX: usize = 32;
/// How long a password must be.
const PASSWORD_MIN: usize = 12;

/// The account's credential lists.
pub(super) fn list(context: Context<'_>) -> Result<Answer, TwilioError> {
    Ok(Answer::Found(context.api_page("credential_lists", &[], context.own_lists(), list_body)))
}

/// Makes a credential list. Unlike trunks, no two of an account have the same name.
pub(super) fn create(context: Context<'_>) -> Result<Answer, TwilioError> {
    let friendly_name = context.form.get("FriendlyName").unwrap_or_default();
    if !(1..=NAME_MAX).contains(&friendly_name.chars().count()) {
        return Err(TwilioError::new(Code::CredentialList, "FriendlyName must have 1 to 64 characters"));
    }
    if context.own_lists().any(|list| list.friendly_name == friendly_name) {
        let message = "A Credential List with the same FriendlyName already exists";
        return Err(TwilioError::new(Code::CredentialList, message));
    }
    if context.own_lists().count() >= context.account.limit {
        return Err(TwilioError::new(Code::TooManyCredentialLists, "Maximum credential lists reached"));
    }
    let list = CredentialList {
        sid: store::new_sid("CL"),
        account_sid: context.account.account_sid.clone(),
        friendly_name: friendly_name.to_owned(),
        credentials: Vec::new(),
        created_at: context.now,
        updated_at: context.now,
    };
    let answer = list_body(&list);
    context.store.credential_lists.put(&list.sid.clone(), list)?;
    Ok(Answer::Created(answer))
}

/// One credential list.
pub(super) fn get(context: Context<'_>, sid: &str) -> Result<Answer, TwilioError> {
    Ok(Answer::Found(list_body(context.credential_list(sid)?)))
}

/// Forgets a credential list with all that is in it, unless a trunk takes it.
pub(super) fn delete(context: Context<'_>, sid: &str) -> Result<Answer, TwilioError> {
    context.credential_list(sid)?;
    if context.store.trunks.iter().any(|(_, trunk)| trunk.credential_lists.contains(sid)) {
        return Err(TwilioError::new(Code::CredentialListInUse, "Credential List is associated with a trunk"));
    }
    context.store.credential_lists.remove(sid)?;
    Ok(Answer::Deleted)
}

/// The credentials of a list, without their passwords.
pub(super) fn list_credentials(context: Context<'_>, list_sid: &str) -> Result<Answer, TwilioError> {
    let list = context.credential_list(list_sid)?;
    let credentials = list.credentials.iter();
    Ok(Answer::Found(context.api_page("credentials", &[], credentials, |one| credential_body(list, one))))
}

/// Adds a credential. A user name is in a list once.
pub(super) fn create_credential(context: Context<'_>, list_sid: &str) -> Result<Answer, TwilioError> {
    let mut list = context.credential_list(list_sid)?.clone();
    let username = context.form.get("Username").unwrap_or_default();
    if !(1..=USERNAME_MAX).contains(&username.chars().count()) {
        return Err(TwilioError::new(Code::Credential, "Username must have 1 to 32 characters"));
    }
    if list.credentials.iter().any(|credential| credential.username == username) {
        return Err(TwilioError::new(Code::Credential, "Username already exists in the credential list"));
    }
    if !is_strong(context.form.get("Password").unwrap_or_default()) {
        let message = "Password must have at least 12 characters, upper and lower case letters and a digit";
        return Err(TwilioError::new(Code::Credential, message));
    }
    let credential = Credential { sid: store::new_sid("CR"), username: username.to_owned(), created_at: context.now };
    let answer = credential_body(&list, &credential);
    list.credentials.push(credential);
    list.updated_at = context.now;
    context.store.credential_lists.put(list_sid, list)?;
    Ok(Answer::Created(answer))
}

fn is_strong(password: &str) -> bool {
    let has = |kind: fn(&char) -> bool| password.chars().any(|character| kind(&character));
    password.chars().count() >= PASSWORD_MIN
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
}

impl Context<'_> {
    /// A credential list of the account's.
    pub(super) fn credential_list(&self, sid: &str) -> Result<&CredentialList, TwilioError> {
        let list = self.store.credential_lists.get(sid);
        list.filter(|list| list.account_sid == self.account.account_sid).ok_or_else(|| self.not_found())
    }

    fn own_lists(&self) -> impl DoubleEndedIterator<Item = &CredentialList> {
        let lists = self.store.credential_lists.iter().map(|(_, list)| list);
        lists.filter(|list| list.account_sid == self.account.account_sid)
    }
}

fn uri(list: &CredentialList) -> String {
    format!("/2010-04-01/Accounts/{}/SIP/CredentialLists/{}", list.account_sid, list.sid)
}

fn list_body(list: &CredentialList) -> Value {
    json!({
        "sid": list.sid,
        "account_sid": list.account_sid,
        "friendly_name": list.friendly_name,
        "date_created": rfc_2822(list.created_at),
        "date_updated": rfc_2822(list.updated_at),
        "uri": format!("{}.json", uri(list)),
        "subresource_uris": { "credentials": format!("{}/Credentials.json", uri(list)) },
    })
}

fn credential_body(list: &CredentialList, credential: &Credential) -> Value {
    json!({
        "sid": credential.sid,
        "account_sid": list.account_sid,
        "credential_list_sid": list.sid,
        "username": credential.username,
        "date_created": rfc_2822(credential.created_at),
        "date_updated": rfc_2822(credential.created_at),
        "uri": format!("{}/Credentials/{}.json", uri(list), credential.sid),
    })
}
