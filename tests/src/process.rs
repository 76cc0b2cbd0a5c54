//! Child processes: what they print is kept, their environment is what they are given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};
use tokio::process::{Child, Command};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child process. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

impl Process {
    /// Starts `binary` with nothing in its environment but `environment`, `PATH`, and what
    /// `tests/peers/run` knows its processes by.
    pub fn start(binary: &str, arguments: &[&str], environment: &BTreeMap<String, String>) -> Self {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let child = Command::new(binary)
            .args(arguments)
            .env_clear()
            .envs(["PATH", "TRUNKLINE_PEERS_RUN"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(stdout.reopen().unwrap())
            .stderr(stderr.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{binary}: {error}"));
        Self { child, stdout, stderr }
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        contents(&self.stdout)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        contents(&self.stderr)
    }

    /// Sends a signal, by its name.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("a running child");
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("still running\n{}", self.stderr())).unwrap()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until `there` gives something.
    pub async fn until<T>(&mut self, what: &str, mut there: impl FnMut(&Self) -> Option<T>) -> T {
        const PAUSE: Duration = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if let Some(there) = there(self) {
                return there;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                return there(self).unwrap_or_else(|| panic!("{what}: {status}\n{}", self.stderr()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{what}: not in {PATIENCE:?}\n{}", self.stderr())
    }
}

fn contents(file: &NamedTempFile) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()
}

/// `trunkline dev` as a child process.
#[derive(Debug)]
pub struct Trunkline {
    /// The process.
    pub process: Process,
    /// The ready file's contents.
    pub ready: Value,
    directory: TempDir,
}

impl Trunkline {
    /// Starts `binary`, on any port, and waits for its ready file.
    pub async fn start(binary: &str, arguments: &[&str], environment: &BTreeMap<String, String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ready.json");
        let all = [&["dev", "--port", "0", "--ready-file", file.to_str().unwrap()], arguments].concat();
        let mut process = Process::start(binary, &all, environment);
        let text = process.until("ready file", |_| std::fs::read_to_string(&file).ok()).await;
        // Whole or not at all: the first sight of the file is all of it.
        let ready = serde_json::from_str(&text).expect("a whole ready file");
        Self { process, ready, directory }
    }

    /// Where the ready file is.
    pub fn ready_file(&self) -> PathBuf {
        self.directory.path().join("ready.json")
    }

    /// A field of the ready file.
    #[track_caller]
    pub fn ready(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_else(|| panic!("no {field} in the ready file"))
    }

    /// A client of the demo workspace.
    pub fn client(&self) -> crate::Client {
        crate::Client::new(self.ready("url"), Some(self.ready("api_key")))
    }
}
