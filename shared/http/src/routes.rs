//! The routes of the contract: what API Gateway routes on AWS, and the local front on a laptop.

use std::collections::HashMap;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Create a trunk.
    CreateSipTrunk,
    /// List a workspace's trunks.
    ListSipTrunks,
    /// Show one trunk.
    GetSipTrunk,
    /// Change a trunk.
    UpdateSipTrunk,
    /// Delete a trunk.
    DeleteSipTrunk,
    /// Import a phone number.
    ImportPhoneNumber,
    /// List a workspace's phone numbers.
    ListPhoneNumbers,
    /// Show one phone number.
    GetPhoneNumber,
    /// Change a phone number.
    UpdatePhoneNumber,
    /// Delete a phone number.
    DeletePhoneNumber,
    /// Say that the service runs.
    Healthz,
}

/// A method and a path, in which `{name}` stands for one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path, as in a route key of API Gateway.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
}

pub(crate) const ROUTES: [Route; 12] = [
    Route { method: "POST", path: "/v1/agents/sip-trunks", operation: Operation::CreateSipTrunk },
    Route { method: "GET", path: "/v1/agents/sip-trunks", operation: Operation::ListSipTrunks },
    Route { method: "GET", path: "/v1/agents/sip-trunks/{id}", operation: Operation::GetSipTrunk },
    Route { method: "PATCH", path: "/v1/agents/sip-trunks/{id}", operation: Operation::UpdateSipTrunk },
    Route { method: "DELETE", path: "/v1/agents/sip-trunks/{id}", operation: Operation::DeleteSipTrunk },
    Route { method: "POST", path: "/v1/agents/phone-numbers", operation: Operation::ImportPhoneNumber },
    Route { method: "GET", path: "/v1/agents/phone-numbers", operation: Operation::ListPhoneNumbers },
    Route { method: "GET", path: "/v1/agents/phone-numbers/{id}", operation: Operation::GetPhoneNumber },
    Route { method: "PATCH", path: "/v1/agents/phone-numbers/{id}", operation: Operation::UpdatePhoneNumber },
    Route { method: "DELETE", path: "/v1/agents/phone-numbers/{id}", operation: Operation::DeletePhoneNumber },
    Route { method: "GET", path: "/v1/agents/healthz", operation: Operation::Healthz },
    // Where load balancers and people look for it.
    Route { method: "GET", path: "/healthz", operation: Operation::Healthz },
];

/// The route of a request, with its path parameters.
pub fn find(method: &str, path: &str) -> Option<(Route, HashMap<String, String>)> {
    ROUTES
        .into_iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route, parameters(route.path, path)?)))
}

/// The methods that `path` takes; empty where there is nothing.
pub(crate) fn allowed_methods(path: &str) -> Vec<&'static str> {
    let matching = ROUTES.into_iter().filter(|route| parameters(route.path, path).is_some());
    matching.map(|route| route.method).collect()
}

fn parameters(pattern: &str, path: &str) -> Option<HashMap<String, String>> {
    let (patterns, segments) = (pattern.split('/'), path.split('/'));
    if patterns.clone().count() != segments.clone().count() {
        return None;
    }
    let mut parameters = HashMap::new();
    for (pattern, segment) in patterns.zip(segments) {
        match pattern.strip_prefix('{').and_then(|pattern| pattern.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => {
                parameters.insert(name.to_owned(), segment.to_owned());
            }
            None if pattern == segment => {}
            _ => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_finds_its_route() {
        let operation = |method, path| find(method, path).map(|(route, _)| route.operation);
        assert_eq!(operation("POST", "/v1/agents/sip-trunks"), Some(Operation::CreateSipTrunk));
        assert_eq!(operation("GET", "/v1/agents/sip-trunks"), Some(Operation::ListSipTrunks));
        assert_eq!(operation("HEAD", "/v1/agents/sip-trunks"), None);
        for path in ["/", "/v1/agents/sip-trunks/", "/v1/agents/sip-trunks/a/b", "/v2/agents/sip-trunks"] {
            assert_eq!(operation("GET", path), None, "{path}");
        }
        assert_eq!(operation("PATCH", "/v1/agents/phone-numbers/x"), Some(Operation::UpdatePhoneNumber));
        let (route, parameters) = find("DELETE", "/v1/agents/sip-trunks/trunk_1").unwrap();
        assert_eq!(route.operation, Operation::DeleteSipTrunk);
        assert_eq!(parameters["id"], "trunk_1");
    }

    #[test]
    fn a_path_knows_its_methods() {
        assert_eq!(allowed_methods("/v1/agents/sip-trunks"), ["POST", "GET"]);
        assert_eq!(allowed_methods("/v1/agents/sip-trunks/x"), ["GET", "PATCH", "DELETE"]);
        assert!(allowed_methods("/nowhere").is_empty());
    }
}
