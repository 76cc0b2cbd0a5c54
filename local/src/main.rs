//! `trunkline`: the whole service on a laptop, and the operators' commands.

mod operator;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use operator::{KeyCommand, WorkspaceCommand};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use trunkline_bootstrap::logging::{self, Format};
use trunkline_bootstrap::{Clients, Environment};
use trunkline_domain::ApiKey;
use trunkline_local::{Options, Ready, start};
use trunkline_provisioning::{Difference, Repaired, Swept};

/// A serverless control plane for SIP trunks on LiveKit.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    dev: Dev,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole service on this machine (the default)
    Dev(Dev),
    /// Finish what interrupted requests left, once, on AWS or a local service, as the environment says
    Sweep(SweepArgs),
    /// Compare DynamoDB, Secrets Manager and LiveKit; exit code 1 when something differs
    Audit(AuditArgs),
    /// Make, show or change a workspace, on AWS or a local service, as the environment says
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Make, list or revoke a workspace's API keys, on AWS or a local service, as the environment says
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Args)]
struct SweepArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct AuditArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Mend what is safe to mend
    #[arg(long)]
    repair: bool,
}

#[derive(Args)]
struct Dev {
    /// Where to listen on 127.0.0.1; 0 means any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Keep state here, and find it again at the next start; in memory otherwise
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write URLs and keys here, as one JSON object, when ready
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// How long the running requests are waited for. It is API Gateway's limit too.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    logging::start(Format::detect());
    let ended = match cli.command {
        Some(Command::Dev(dev)) => run(dev).await,
        Some(Command::Sweep(arguments)) => sweep(arguments).await,
        Some(Command::Audit(arguments)) => audit(arguments).await,
        Some(Command::Workspace(command)) => command.run().await,
        Some(Command::Key(command)) => command.run().await,
        None => run(cli.dev).await,
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            // Whatever is logged, a command says why it failed.
            if tracing::enabled!(tracing::Level::ERROR) {
                tracing::error!("{error}");
            } else {
                let _ = writeln!(io::stderr(), "{error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the command line, without an API key that stands in a wrong place.
fn refuse(error: &clap::Error) -> ! {
    let said = error.to_string();
    let Some((before, after)) = said.split_once(ApiKey::PREFIX) else {
        error.exit();
    };
    let mut hidden = before.to_owned();
    for part in after.split(ApiKey::PREFIX) {
        hidden.push_str(ApiKey::PREFIX);
        hidden.push_str("...");
        hidden.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric()));
    }
    let _ = write!(io::stderr(), "{hidden}");
    std::process::exit(error.exit_code())
}

async fn run(dev: Dev) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // Before anything is started: a signal that comes early is not lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let environment = Environment::of_process().into();
    let service = start(Options { port: dev.port, data_dir: dev.data_dir, environment }).await?;
    if let Some(path) = dev.ready_file {
        service.ready().write_to(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    greet(service.ready())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    tokio::select! {
        () = service.stop() => Ok(ExitCode::SUCCESS),
        // No request works longer: what is left are connections on which nothing comes.
        () = tokio::time::sleep(LONGEST_REQUEST) => Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::FAILURE),
        _ = terminate.recv() => Ok(ExitCode::FAILURE),
    }
}

async fn sweep(arguments: SweepArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Swept { settled, postponed, unfinished } = Clients::new(&Environment::of_process())?.sweep()?.run(None).await?;
    if arguments.json {
        let swept = json!({"settled": settled, "postponed": postponed, "more_is_due": unfinished});
        writeln!(io::stdout(), "{swept}")?;
    } else {
        writeln!(io::stdout(), "settled {settled}, postponed {postponed}")?;
        if unfinished {
            writeln!(io::stdout(), "more is due: sweep again")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn audit(arguments: AuditArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let audit = Clients::new(&Environment::of_process())?.audit()?;
    let Repaired { mended, left } = if arguments.repair {
        audit.repair().await?
    } else {
        Repaired { left: audit.run().await?, mended: Vec::new() }
    };
    if arguments.json {
        let list = |differences: &[Difference]| differences.iter().map(described).collect::<Vec<_>>();
        writeln!(io::stdout(), "{}", json!({"differences": list(&left), "mended": list(&mended)}))?;
    } else {
        for difference in &mended {
            writeln!(io::stdout(), "mended {}: {difference}", difference.kind())?;
        }
        for difference in &left {
            writeln!(io::stdout(), "{}: {difference}\n  to mend: {}", difference.kind(), difference.remedy())?;
        }
        let differences = if left.len() == 1 { "difference" } else { "differences" };
        writeln!(io::stdout(), "{} {differences}, {} mended", left.len(), mended.len())?;
    }
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn described(difference: &Difference) -> Value {
    json!({"kind": difference.kind(), "where": difference.to_string(), "remedy": difference.remedy()})
}

fn greet(ready: &Ready) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "Trunkline listens on {}\n\n  workspace  {}\n  API key    {}\n\nCreate a trunk:\n\n{}\n",
        ready.url,
        ready.workspace_id,
        ready.api_key,
        ready.curl()
    )
}
