use regex::Regex;

/// What differs from run to run, and the word for its kind.
fn patterns() -> Vec<(String, String)> {
    let ids = [
        ("trunk", "trunk id"),
        ("phone", "phone number id"),
        ("req", "request id"),
        ("ws", "workspace id"),
        ("key", "API key id"),
    ];
    let ids = ids.map(|(prefix, name)| (format!("{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}"), format!("[{name}]")));
    let others = [
        ("trunk-[0-7][0-9a-hjkmnp-tv-z]{25}", "[trunk id in a host name]"),
        ("ST_[A-Za-z0-9]+", "[LiveKit trunk id]"),
        ("SDR_[A-Za-z0-9]+", "[LiveKit dispatch rule id]"),
        ("PN_PPN_[A-Za-z0-9]+", "[LiveKit phone number id]"),
        ("PN[0-9a-f]{32}", "[Twilio phone number id]"),
        ("AC[0-9a-f]{32}", "[Twilio account id]"),
        (r"\+49\d{11}", "[phone number]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[timestamp]"),
    ];
    let version = (format!("\"{}\"", env!("CARGO_PKG_VERSION").replace('.', r"\.")), "\"[version]\"".to_owned());
    let others = others.map(|(pattern, name)| (pattern.to_owned(), name.to_owned()));
    ids.into_iter().chain(others).chain([version]).collect()
}

/// Settings of snapshots in which what differs from run to run shows its kind alone.
pub fn redactions() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.set_omit_expression(true);
    for (pattern, kind) in patterns() {
        settings.add_filter(&pattern, kind);
    }
    settings
}

/// A text without a snapshot, made the same way.
pub fn redacted(text: &str) -> String {
    patterns().into_iter().fold(text.to_owned(), |text, (pattern, kind)| {
        Regex::new(&pattern).unwrap().replace_all(&text, kind).into_owned()
    })
}
