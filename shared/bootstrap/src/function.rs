use std::convert::Infallible;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::{BoxFuture, service_fn};
use serde_json::{Value, json};
use trunkline_http::{Event, Handler, answer};
use trunkline_provisioning::ports::{
    LiveKit, NumberStore, SecretInventory, SecretStore, SipInventory, SweepStore, TableInventory, TrunkStore,
    TwilioService,
};
use trunkline_provisioning::{Audit, Sweep};

use crate::clients::StartError;
use crate::environment::Environment;
use crate::logging::{self, Format};

/// Runs the function of a route: the handler that `build` makes of the environment, for one event after the other.
///
/// A setting that is missing or malformed ends it in its init phase, with one line that names the setting.
pub async fn run<H: Handler>(build: impl FnOnce(&Environment) -> Result<H, StartError>) -> ExitCode {
    let handler = match start(build) {
        Ok(handler) => handler,
        Err(code) => return code,
    };
    let handler = &handler;
    let service = service_fn(move |event: Event| async move { Ok::<_, Infallible>(answer(handler, event).await) });
    ended(lambda_http::run(service).await)
}

/// What a schedule calls for.
pub trait Scheduled: Sync {
    /// Does it once, before `deadline`; gives what the function answers.
    ///
    /// # Errors
    /// When it could not be done.
    fn run_once(&self, deadline: SystemTime) -> impl Future<Output = Result<Value, lambda_http::Error>> + Send;
}

impl<S: TrunkStore + NumberStore + SweepStore, V: SecretStore, L: LiveKit, T: TwilioService> Scheduled
    for Sweep<S, V, L, T>
{
    async fn run_once(&self, deadline: SystemTime) -> Result<Value, lambda_http::Error> {
        let swept = self.run(Some(deadline)).await?;
        Ok(json!({"settled": swept.settled, "postponed": swept.postponed, "unfinished": swept.unfinished}))
    }
}

/// The message of the lines that template.yaml counts in a metric.
pub const AUDIT_DIFFERENCE: &str = "audit found a difference";

impl<S: TableInventory, V: SecretInventory, L: SipInventory> Scheduled for Audit<S, V, L> {
    async fn run_once(&self, _: SystemTime) -> Result<Value, lambda_http::Error> {
        let differences = self.run().await?;
        for difference in &differences {
            tracing::error!(
                audit.kind = difference.kind(),
                audit.place = %difference,
                audit.remedy = difference.remedy(),
                "{AUDIT_DIFFERENCE}"
            );
        }
        Ok(json!({"differences": differences.len()}))
    }
}

/// Runs a function that a schedule calls: what `build` makes of the environment, once for each event, whatever it says.
///
/// A setting that is missing or malformed ends it in its init phase, with one line that names the setting.
pub async fn run_scheduled<T: Scheduled>(build: impl FnOnce(&Environment) -> Result<T, StartError>) -> ExitCode {
    let scheduled = match start(build) {
        Ok(scheduled) => scheduled,
        Err(code) => return code,
    };
    let scheduled = &scheduled;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let deadline = UNIX_EPOCH + Duration::from_millis(event.context.deadline);
        // Without its type: the compiler's depth limit is less than that of the SDKs' futures in one another.
        let once: BoxFuture<'_, _> = Box::pin(scheduled.run_once(deadline));
        once.await
    });
    ended(lambda_runtime::run(service).await)
}

fn start<T>(build: impl FnOnce(&Environment) -> Result<T, StartError>) -> Result<T, ExitCode> {
    logging::start(Format::Json);
    build(&Environment::of_process()).map_err(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

fn ended(runtime: Result<(), lambda_http::Error>) -> ExitCode {
    match runtime {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
