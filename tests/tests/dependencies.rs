//! Dependencies point inward only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

const DOMAIN: &str = "trunkline-domain";
const PROVISIONING: &str = "trunkline-provisioning";
const CONNECTOR: &str = "trunkline-connector";
const AWS: &str = "trunkline-aws";
const BOOTSTRAP: &str = "trunkline-bootstrap";
const HTTP: &str = "trunkline-http";

fn metadata() -> Metadata {
    MetadataCommand::new()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .features(CargoOpt::AllFeatures)
        // For Lambda's platform alone: what other platforms need is not downloaded by a build.
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned))
        .exec()
        .unwrap()
}

/// What each crate of the workspace may depend on, of the workspace.
fn allowed(name: &str, folder: &str) -> BTreeSet<&'static str> {
    let adapters = ["trunkline-dynamodb", "trunkline-livekit", "trunkline-secrets", "trunkline-twilio"];
    let shared = adapters.into_iter().chain([AWS, DOMAIN, PROVISIONING, CONNECTOR, HTTP]);
    match (folder, name) {
        ("functions", _) => BTreeSet::from([BOOTSTRAP, HTTP, PROVISIONING]),
        ("bench", _) => BTreeSet::new(),
        ("", "trunkline") => shared.chain([BOOTSTRAP]).collect(),
        ("", "trunkline-tests") => shared.chain([BOOTSTRAP, "trunkline"]).collect(),
        (_, DOMAIN | CONNECTOR) => BTreeSet::new(),
        (_, PROVISIONING) => BTreeSet::from([DOMAIN]),
        (_, AWS) => BTreeSet::from([PROVISIONING, CONNECTOR]),
        (_, HTTP) => BTreeSet::from([DOMAIN, PROVISIONING]),
        (_, "trunkline-dynamodb" | "trunkline-secrets") => BTreeSet::from([AWS, DOMAIN, PROVISIONING]),
        (_, "trunkline-livekit" | "trunkline-twilio") => BTreeSet::from([DOMAIN, PROVISIONING, CONNECTOR]),
        (_, BOOTSTRAP) => shared.collect(),
        _ => panic!("{name} is new: say here what it may depend on"),
    }
}

#[test]
fn a_crate_knows_only_what_is_further_in() {
    let metadata = metadata();
    let members: BTreeMap<_, _> =
        metadata.workspace_packages().into_iter().map(|package| (package.name.to_string(), package)).collect();
    let mut wrong = Vec::new();
    for (name, package) in &members {
        let folder = package.manifest_path.parent().and_then(|folder| folder.parent()).unwrap();
        let folder = folder.strip_prefix(&metadata.workspace_root).unwrap().as_str();
        let allowed = allowed(name, folder);
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        for dependency in normal.filter(|dependency| members.contains_key(&dependency.name)) {
            if !allowed.contains(dependency.name.as_str()) {
                wrong.push(format!("{name} must not depend on {}", dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_emulators_and_their_server_stay_on_the_laptop() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        if ["trunkline", "trunkline-tests"].contains(&package.name.as_str()) {
            continue;
        }
        let all = reachable(&metadata, &package.id);
        for name in ["dynoxide-rs", "axum", "rusqlite", "libsqlite3-sys", "aws-config"] {
            if all.contains(name) {
                wrong.push(format!("{} must not depend on {name}, through whichever crate it does", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What describes the API is no part of what answers it. Only this crate asks for it, which no function is built with.
#[test]
fn no_function_is_built_with_the_description_of_the_api() {
    let mut wrong = Vec::new();
    for package in metadata().workspace_packages() {
        let by_default = package.features.get("default").is_some_and(|names| names.contains(&"openapi".to_owned()));
        let asks = |name: &str| name.starts_with("trunkline") && package.name.as_str() != "trunkline-tests";
        let mut dependencies = package.dependencies.iter().filter(|dependency| asks(&dependency.name));
        if by_default || dependencies.any(|dependency| dependency.features.contains(&"openapi".to_owned())) {
            wrong.push(format!("{} must not enable the feature openapi", package.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_does_nothing_but_think() {
    let metadata = metadata();
    let domain = metadata.packages.iter().find(|package| package.name.as_str() == DOMAIN).unwrap();
    let outside: Vec<_> = reachable(&metadata, &domain.id)
        .into_iter()
        .filter(|name| {
            let runtimes = ["tokio", "async-std", "smol", "mio", "hyper", "reqwest", "axum", "http", "tracing"];
            runtimes.contains(&name.as_str())
                || ["aws-", "lambda_", "livekit"].iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    assert!(outside.is_empty(), "{DOMAIN} must not depend on {}", outside.join(", "));
}

/// The names of every crate that is linked into `id`.
fn reachable(metadata: &Metadata, id: &PackageId) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let nodes: BTreeMap<_, _> = nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::from([id]);
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        for dependency in &nodes[id].deps {
            let linked = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if linked && seen.insert(&dependency.pkg) {
                next.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| metadata[id].name.to_string()).collect()
}
