//! `POST /v1/agents/phone-numbers`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::ImportPhoneNumber;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(ImportPhoneNumber { authenticator: clients.authenticator()?, import: clients.import_number()? })
    })
    .await
}
