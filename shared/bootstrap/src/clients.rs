use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::SdkConfig;
use trunkline_aws::LazyClient;
use trunkline_connector::{BaseUrl, Connector, TrustError};
use trunkline_dynamodb::{RetryConflicts, TrunkTable};
use trunkline_http::Authenticator;
use trunkline_livekit::{LiveKitApiKey, LiveKitSip};
use trunkline_provisioning::{
    Audit, CreateTrunk, DeleteNumber, DeleteTrunk, ImportNumber, Sweep, UpdateNumber, UpdateTrunk, Workspaces,
};
use trunkline_secrets::TrunkSecrets;
use trunkline_twilio::{TwilioRest, TwilioUrls};

use crate::environment::{Environment, SettingError};
use crate::livekit_keys::LiveKitKeys;

/// One attempt at an AWS call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// All attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(7);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Why a process does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or malformed.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// `AWS_CA_BUNDLE` cannot be trusted.
    #[error("AWS_CA_BUNDLE {0}")]
    Trust(#[from] TrustError),
}

/// The clients of a process, made of its settings as they are asked for: a function needs no setting that it does not
/// use. There is one of each, over one connector.
pub struct Clients {
    environment: Environment,
    connector: Connector,
    dynamodb: LazyClient<aws_sdk_dynamodb::Client>,
    secrets_manager: LazyClient<aws_sdk_secretsmanager::Client>,
}

impl Clients {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CA_BUNDLE`: what
    /// Lambda gives every function, and a shell has.
    ///
    /// # Errors
    /// When one of them is missing or malformed.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        let connector = Connector::new(environment.optional("AWS_CA_BUNDLE").map(Path::new))?;
        let credentials = Credentials::new(
            environment.required("AWS_ACCESS_KEY_ID")?,
            environment.required("AWS_SECRET_ACCESS_KEY")?,
            environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(connector.clone())
            .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(TokioSleep::new())
            .retry_config(retries())
            .timeout_config(timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Ok(Self {
            environment: environment.clone(),
            connector,
            dynamodb: dynamodb(aws.clone(), endpoint(environment, "AWS_ENDPOINT_URL_DYNAMODB")),
            secrets_manager: secrets_manager(aws, endpoint(environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER")),
        })
    }

    /// The table `TABLE_NAME`.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn table(&self) -> Result<TrunkTable, StartError> {
        Ok(TrunkTable::new(
            self.dynamodb.clone(),
            self.environment.required("TABLE_NAME")?,
            self.environment.tombstone()?,
        ))
    }

    /// The trunks' secrets.
    pub fn secrets(&self) -> TrunkSecrets {
        TrunkSecrets::new(self.secrets_manager.clone())
    }

    /// LiveKit at `LIVEKIT_URL`, with the key of `LIVEKIT_SECRET_ARN` or of `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn livekit(&self) -> Result<LiveKitSip<LiveKitKeys>, StartError> {
        let base: BaseUrl = self.environment.parsed("LIVEKIT_URL")?;
        let keys = match self.environment.optional("LIVEKIT_SECRET_ARN") {
            Some(arn) => LiveKitKeys::Secret { client: self.secrets_manager.clone(), arn: arn.to_owned() },
            None => LiveKitKeys::Fixed(LiveKitApiKey {
                key: self.environment.required("LIVEKIT_API_KEY")?.into(),
                secret: self.environment.required("LIVEKIT_API_SECRET")?.into(),
            }),
        };
        let agent_name = self.environment.optional("LIVEKIT_AGENT_NAME").map(str::to_owned);
        Ok(LiveKitSip::new(self.connector.clone(), base, keys, agent_name))
    }

    /// Twilio at `TWILIO_API_URL` and `TWILIO_TRUNKING_URL`, its own APIs by default.
    ///
    /// # Errors
    /// When a setting is malformed.
    pub fn twilio(&self) -> Result<TwilioRest, StartError> {
        let own = TwilioUrls::default();
        let urls = TwilioUrls {
            api: self.environment.parsed_or("TWILIO_API_URL", own.api)?,
            trunking: self.environment.parsed_or("TWILIO_TRUNKING_URL", own.trunking)?,
        };
        Ok(TwilioRest::new(self.connector.clone(), urls))
    }

    /// Who may do what, by the keys in the table.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn authenticator(&self) -> Result<Authenticator<TrunkTable>, StartError> {
        Ok(Authenticator::new(self.table()?))
    }

    /// Workspaces and their API keys, for operators.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn workspaces(&self) -> Result<Workspaces<TrunkTable>, StartError> {
        Ok(Workspaces { store: self.table()? })
    }

    /// Creates trunks, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn create_trunk(&self) -> Result<CreateTrunk<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>>, StartError> {
        Ok(CreateTrunk {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            secret_prefix: self.environment.secret_prefix()?,
            timing: self.environment.timing()?,
        })
    }

    /// Changes trunks, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn update_trunk(
        &self,
    ) -> Result<UpdateTrunk<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>, StartError> {
        Ok(UpdateTrunk {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            twilio: self.twilio()?,
            secret_prefix: self.environment.secret_prefix()?,
            address_policy: self.environment.address_policy()?,
            timing: self.environment.timing()?,
        })
    }

    /// Deletes trunks, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn delete_trunk(
        &self,
    ) -> Result<DeleteTrunk<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>, StartError> {
        Ok(DeleteTrunk {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            twilio: self.twilio()?,
            timing: self.environment.timing()?,
        })
    }

    /// Imports phone numbers, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn import_number(
        &self,
    ) -> Result<ImportNumber<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>, StartError> {
        Ok(ImportNumber {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            twilio: self.twilio()?,
            sip_host: self.environment.sip_host()?,
            secret_prefix: self.environment.secret_prefix()?,
            timing: self.environment.timing()?,
        })
    }

    /// Changes phone numbers, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn update_number(&self) -> Result<UpdateNumber<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>>, StartError> {
        Ok(UpdateNumber {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            timing: self.environment.timing()?,
        })
    }

    /// Deletes phone numbers, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn delete_number(
        &self,
    ) -> Result<DeleteNumber<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>, StartError> {
        Ok(DeleteNumber {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            twilio: self.twilio()?,
            timing: self.environment.timing()?,
        })
    }

    /// Sweeps, in the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn sweep(&self) -> Result<Sweep<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>, TwilioRest>, StartError> {
        Ok(Sweep {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            twilio: self.twilio()?,
            timing: self.environment.timing()?,
        })
    }

    /// Checks the systems that the environment names.
    ///
    /// # Errors
    /// When a setting is missing or malformed.
    pub fn audit(&self) -> Result<Audit<TrunkTable, TrunkSecrets, LiveKitSip<LiveKitKeys>>, StartError> {
        Ok(Audit {
            store: self.table()?,
            secrets: self.secrets(),
            sip: self.livekit()?,
            secret_prefix: self.environment.secret_prefix()?,
        })
    }
}

fn dynamodb(aws: SdkConfig, endpoint: Option<String>) -> LazyClient<aws_sdk_dynamodb::Client> {
    LazyClient::new(move || {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&aws).retry_classifier(RetryConflicts);
        config.set_endpoint_url(endpoint);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    })
}

fn secrets_manager(aws: SdkConfig, endpoint: Option<String>) -> LazyClient<aws_sdk_secretsmanager::Client> {
    LazyClient::new(move || {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&aws);
        config.set_endpoint_url(endpoint);
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    })
}

/// A service's own endpoint, or the one of all services, as the SDKs know them.
fn endpoint(environment: &Environment, name: &str) -> Option<String> {
    environment.optional(name).or_else(|| environment.optional("AWS_ENDPOINT_URL")).map(str::to_owned)
}

/// Every AWS call of ours may be repeated: writes carry conditions or tokens, or do no harm twice.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn clients(settings: &[(&str, &str)]) -> Clients {
        let aws = [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "key")];
        let all = aws.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Clients::new(&all.collect::<BTreeMap<_, _>>().into()).unwrap()
    }

    #[test]
    fn twilio_needs_no_setting_and_names_a_bad_one() {
        clients(&[]).twilio().unwrap();
        for name in ["TWILIO_API_URL", "TWILIO_TRUNKING_URL"] {
            clients(&[(name, "https://twilio.example")]).twilio().unwrap();
            let error = clients(&[(name, "https://AC1:hunter2@twilio.example")]).twilio().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} must be an https")) && !error.contains("hunter2"), "{error}");
        }
    }
}
