//! `GET /v1/agents/phone-numbers`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::ListPhoneNumbers;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(ListPhoneNumbers { authenticator: clients.authenticator()?, store: clients.table()? })
    })
    .await
}
