//! `PATCH /v1/agents/sip-trunks/{id}`

use std::process::ExitCode;

use trunkline_bootstrap::{Clients, run};
use trunkline_http::UpdateSipTrunk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(|environment| {
        let clients = Clients::new(environment)?;
        Ok(UpdateSipTrunk {
            authenticator: clients.authenticator()?,
            update: clients.update_trunk()?,
            sip_host: environment.sip_host()?,
        })
    })
    .await
}
