//! docs/API.md: its examples are run, in their order, and answered as it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use trunkline_tests::{Answer, Client, Setup, World, peers, redacted};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/API.md");
const DESCRIPTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml");

/// A command of a section, and the answer below it.
struct Example {
    section: String,
    command: String,
    answer: String,
}

fn examples() -> Vec<Example> {
    let text = fs::read_to_string(DOCS).unwrap();
    text.split("\n## ").flat_map(examples_of).collect()
}

fn examples_of(section: &str) -> Vec<Example> {
    let blocks: Vec<_> = section.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect();
    let pairs = blocks.chunks(2).map(|pair| {
        let &[("sh", command), ("http", answer)] = pair else { panic!("a command without an answer: {pair:?}") };
        let section = section.lines().next().unwrap().to_owned();
        Example { section, command: command.to_owned(), answer: answer.to_owned() }
    });
    pairs.collect()
}

/// The words of a command, as a shell reads it that knows quotes, line ends and variables.
fn words(command: &str, variables: &BTreeMap<&str, String>) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = command.chars().peekable();
    while let Some(next) = rest.next() {
        match (next, quote) {
            ('\'' | '"', None) => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (_, Some(open)) if next == open => quote = None,
            ('\\', None) if rest.next_if_eq(&'\n').is_some() => {}
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(letter) = rest.next_if(|next| next.is_ascii_uppercase() || *next == '_') {
                    name.push(letter);
                }
                word.get_or_insert_default().push_str(variables.get(name.as_str()).expect(&name));
            }
            (space, None) if space.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(next),
        }
    }
    words.extend(word);
    words
}

/// What curl would send.
#[derive(Default)]
struct Curl {
    method: Option<Method>,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Curl {
    fn parse(words: Vec<String>) -> Self {
        let mut curl = Self::default();
        let mut words = words.into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"));
        while let Some(word) = words.next() {
            match word.as_str() {
                "-sS" | "-i" => {}
                "-X" => curl.method = Some(words.next().unwrap().parse().unwrap()),
                "-H" => {
                    let header = words.next().unwrap();
                    let (name, value) = header.split_once(": ").unwrap();
                    curl.headers.push((name.to_owned(), value.to_owned()));
                }
                "-d" => curl.body = words.next(),
                _ => {
                    assert!(curl.url.is_empty() && word.starts_with("http://"), "{word}");
                    curl.url = word;
                }
            }
        }
        curl
    }

    fn method(&self) -> Method {
        self.method.clone().unwrap_or(if self.body.is_some() { Method::POST } else { Method::GET })
    }

    async fn send(self, base: &str) -> Answer {
        let path = self.url.strip_prefix(base).unwrap();
        let request = Client::new(base, None).request(self.method(), path);
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        match self.body {
            Some(body) => request.untyped_body(body),
            None => request,
        }
        .send()
        .await
    }
}

/// An answer as [`Answer::whole`] has it.
fn written(answer: &str) -> Value {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, "null"));
    let mut lines = head.lines();
    let status: u16 = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
    let headers: Map<_, _> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.into()))
        .collect();
    json!({"status": status, "headers": headers, "body": serde_json::from_str::<Value>(body).unwrap()})
}

/// `{method} {path}` of every operation in openapi.yaml.
fn operations(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|key| key.parse::<Method>().is_ok());
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

fn description() -> Value {
    yaml_serde::from_str(&fs::read_to_string(DESCRIPTION).unwrap()).unwrap()
}

#[tokio::test]
async fn every_example_is_answered_as_it_says() {
    let world: World = Setup::default().set("LIVEKIT_SIP_HOST", "sip.example.com").start().await;
    let (ready, account) = (world.ready(), world.twilio_account());
    let mut variables = BTreeMap::from([
        ("URL", ready.url.clone()),
        ("KEY", ready.api_key.clone()),
        ("READ_KEY", ready.read_api_key.clone()),
        ("ACCOUNT_SID", account.account_sid.to_string()),
        ("AUTH_TOKEN", account.auth_token.expose_secret().to_owned()),
    ]);
    let mut shown = BTreeSet::new();
    for Example { section, command, answer: expected } in examples() {
        // LiveKit Cloud alone sells numbers; it takes a number on one trunk, and other worlds have Twilio's too.
        if peers::livekit_is_shared() && ["of LiveKit's", "of Twilio's"].iter().any(|whose| section.ends_with(whose)) {
            continue;
        }
        let curl = Curl::parse(words(&command, &variables));
        let path = curl.url.strip_prefix(&ready.url).unwrap().split('?').next().unwrap().to_owned();
        let ids = ["TRUNK", "NUMBER"].into_iter().filter_map(|name| variables.get(name));
        let path = ids.fold(path, |path, id| path.replace(id, "{id}"));
        let made = if path.ends_with("/phone-numbers") { "NUMBER" } else { "TRUNK" };
        shown.insert(format!("{} {path}", curl.method()));
        let answer = curl.send(&ready.url).await;
        let whole = |answer: &Value| redacted(&serde_json::to_string_pretty(answer).unwrap());
        let (actual, expected) = (whole(&answer.whole()), whole(&written(&expected)));
        assert!(actual == expected, "{command}\nis answered\n{actual}\nand docs/API.md says\n{expected}");
        if answer.status == 201 {
            variables.insert(made, answer.id().to_owned());
        }
        if let Some(trunk_id) = answer.body["trunk_id"].as_str() {
            variables.insert("TRUNK", trunk_id.to_owned());
        }
        if let Some(cursor) = answer.body["next_cursor"].as_str() {
            variables.insert("CURSOR", cursor.to_owned());
        }
    }
    assert_eq!(shown, operations(&description()), "the operations of docs/API.md and of openapi.yaml");
}

#[test]
fn the_table_of_errors_has_every_code_with_its_status() {
    let text = fs::read_to_string(DOCS).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | `"));
    let table: BTreeSet<_> = rows
        .filter(|(status, _)| status.parse::<u16>().is_ok())
        .map(|(status, rest)| (status.to_owned(), rest.split('`').next().unwrap().to_owned()))
        .collect();
    let description = description();
    let codes = description["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap().clone();
    let listed: BTreeSet<_> =
        table.iter().map(|(_, code)| Value::from(code.clone())).map(|code| code.to_string()).collect();
    assert_eq!(listed, codes.iter().map(Value::to_string).collect());
    for (status, code) in table {
        assert!(trunkline_tests::CODES.contains(&(status.parse().unwrap(), &code)), "{status} {code}");
    }
}
