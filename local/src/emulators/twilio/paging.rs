//! Lists in pages: Twilio gives the newest first, and leads on by a token.

use serde_json::{Value, json};

use super::Context;

/// The items on a page where the request names no number.
const DEFAULT_SIZE: usize = 50;
/// The items on a page at most.
const MAX_SIZE: usize = 1000;

/// One page of a list.
struct Page {
    items: Vec<Value>,
    size: usize,
    index: usize,
    /// Path and query.
    first: String,
    own: String,
    next: Option<String>,
}

/// What may be in a list.
pub(super) trait Listed {
    /// Twilio's id. In a list, all begin with the same two letters; newer ones come later in their order.
    fn sid(&self) -> &str;
}

impl Context<'_> {
    /// A page as 2010-04-01 writes it. `filters` are the parameters that made the list; `items` are by sid.
    pub(super) fn api_page<'t, T: Listed + 't>(
        &self,
        key: &str,
        filters: &[&str],
        items: impl DoubleEndedIterator<Item = &'t T>,
        write: impl Fn(&T) -> Value,
    ) -> Value {
        let page = self.page(filters, items, write);
        let start = page.index * page.size;
        json!({
            key: page.items,
            "start": start,
            "end": start + page.items.len().saturating_sub(1),
            "page": page.index,
            "page_size": page.size,
            "uri": page.own,
            "first_page_uri": page.first,
            "next_page_uri": page.next,
            // Pages are turned forwards only.
            "previous_page_uri": null,
        })
    }

    /// A page as v1 writes it; `items` are by sid.
    pub(super) fn v1_page<'t, T: Listed + 't>(
        &self,
        key: &str,
        items: impl DoubleEndedIterator<Item = &'t T>,
        write: impl Fn(&T) -> Value,
    ) -> Value {
        let page = self.page(&[], items, write);
        let absolute = |uri: String| format!("{}{uri}", self.base);
        json!({
            key: page.items,
            "meta": {
                "key": key,
                "page": page.index,
                "page_size": page.size,
                "url": absolute(page.own),
                "first_page_url": absolute(page.first),
                "next_page_url": page.next.map(absolute),
                "previous_page_url": null,
            },
        })
    }

    fn page<'t, T: Listed + 't>(
        &self,
        filters: &[&str],
        items: impl DoubleEndedIterator<Item = &'t T>,
        write: impl Fn(&T) -> Value,
    ) -> Page {
        let number = |name| self.query.get(name).and_then(|value| value.parse::<usize>().ok());
        let size = number("PageSize").unwrap_or(DEFAULT_SIZE).clamp(1, MAX_SIZE);
        let index = number("Page").unwrap_or_default();
        let token = self.query.get("PageToken");
        let uri = |index: usize, token: Option<&str>| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for name in filters {
                query.extend_pairs(self.query.get(name).map(|value| (name, value)));
            }
            query.append_pair("PageSize", &size.to_string()).append_pair("Page", &index.to_string());
            query.extend_pairs(token.map(|token| ("PageToken", token)));
            format!("{}?{}", self.path, query.finish())
        };
        // The page is "simply for client state": the token alone says where to go on.
        let after = token.and_then(|token| token.strip_prefix("PA"));
        let is_after = |item: &&T| after.is_none_or(|after| item.sid().get(2..).is_some_and(|sid| sid < after));
        let mut rest = items.rev().filter(is_after);
        let items: Vec<_> = rest.by_ref().take(size).collect();
        let last = items.last().and_then(|item| item.sid().get(2..)).filter(|_| rest.next().is_some());
        Page {
            next: last.map(|last| uri(index + 1, Some(&format!("PA{last}")))),
            items: items.into_iter().map(write).collect(),
            size,
            index,
            first: uri(0, None),
            own: uri(index, token),
        }
    }
}
