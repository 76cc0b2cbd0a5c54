//! `DELETE /v1/agents/phone-numbers/{id}`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::DeletePhoneNumber;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(DeletePhoneNumber { authenticator: clients.authenticator()?, delete: clients.delete_number()? })
    })
    .await
}
