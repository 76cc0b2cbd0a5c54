//! `PATCH /v1/agents/phone-numbers/{id}`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::UpdatePhoneNumber;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(UpdatePhoneNumber { authenticator: clients.authenticator()?, update: clients.update_number()? })
    })
    .await
}
