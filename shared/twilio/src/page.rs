//! Twilio's lists come in pages, of 2010-04-01 and of v1
//! (<https://www.twilio.com/docs/usage/twilios-response#response-formats-list-paging-information>).

use http::Uri;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A page of either kind.
#[derive(Deserialize)]
struct Page {
    next_page_uri: Option<String>,
    meta: Option<Meta>,
    #[serde(flatten)]
    lists: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

/// The items under `key`, and the query of the next page if there is one. Of Twilio's link nothing else is taken: where
/// an account's token is sent is ours to say. `None` when it is no such page.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8], key: &str) -> Option<(Vec<T>, Option<String>)> {
    let mut page: Page = serde_json::from_slice(body).ok()?;
    let items = serde_json::from_value(page.lists.remove(key)?).ok()?;
    let next = match page.next_page_uri.or(page.meta.and_then(|meta| meta.next_page_url)) {
        Some(link) => Some(link.parse::<Uri>().ok()?.query()?.to_owned()),
        None => None,
    };
    Some((items, next))
}

#[cfg(test)]
mod tests {
    fn read(body: &str) -> Option<(Vec<u32>, Option<String>)> {
        super::read(body.as_bytes(), "items")
    }

    #[test]
    fn a_link_leads_to_its_query_alone() {
        let next = Some("PageSize=2&Page=1&PageToken=PA1".to_owned());
        for body in [
            r#"{"items":[1,2],"next_page_uri":"/2010-04-01/Accounts/AC1/X.json?PageSize=2&Page=1&PageToken=PA1"}"#,
            r#"{"items":[1,2],"meta":{"next_page_url":"https://elsewhere.example/?PageSize=2&Page=1&PageToken=PA1"}}"#,
        ] {
            assert_eq!(read(body), Some((vec![1, 2], next.clone())), "{body}");
        }
        for body in [r#"{"items":[],"next_page_uri":null}"#, r#"{"items":[],"meta":{"next_page_url":null}}"#] {
            assert_eq!(read(body), Some((vec![], None)), "{body}");
        }
        for body in ["", "[]", r#"{"others":[]}"#, r#"{"items":["a"]}"#, r#"{"items":[],"next_page_uri":"/without"}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
