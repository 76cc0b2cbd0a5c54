/// Settings of snapshots in which what differs from run to run shows its kind alone.
pub fn redactions() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.set_omit_expression(true);
    for (prefix, name) in [("trunk", "trunk id"), ("req", "request id"), ("ws", "workspace id"), ("key", "API key id")]
    {
        settings.add_filter(&format!("{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}"), format!("[{name}]"));
    }
    settings.add_filter("ST_[A-Za-z0-9]+", "[LiveKit trunk id]");
    settings.add_filter("SDR_[A-Za-z0-9]+", "[LiveKit dispatch rule id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[timestamp]");
    settings.add_filter(&format!("\"{}\"", env!("CARGO_PKG_VERSION").replace('.', r"\.")), "\"[version]\"");
    settings
}
