//! `GET /v1/agents/phone-numbers/{id}`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::GetPhoneNumber;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(GetPhoneNumber { authenticator: clients.authenticator()?, store: clients.table()? })
    })
    .await
}
