use std::fs;
use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

/// `openapi.yaml` as it is checked in.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml")).unwrap();
    yaml_serde::from_str(&text).unwrap()
});

/// Whether the description has that response to a request.
pub(crate) fn has(method: &Method, path: &str, status: u16) -> bool {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let Some((_, operations)) = paths.iter().find(|(template, _)| is_like(template, path)) else {
        return status == 404;
    };
    match operations.get(method.as_str().to_lowercase()) {
        Some(operation) => operation["responses"].get(status.to_string()).is_some(),
        None => status == 405,
    }
}

/// A `{name}` of the template stands for one segment that is not empty.
fn is_like(template: &str, path: &str) -> bool {
    let (templates, segments) = (template.split('/'), path.split('/'));
    templates.clone().count() == segments.clone().count()
        && templates
            .zip(segments)
            .all(|(template, segment)| template == segment || template.starts_with('{') && !segment.is_empty())
}
