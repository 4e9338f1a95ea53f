//! Credentials for registries: those that docker's configuration has.
//!
//! They are looked up when a registry asks for them, and not kept: helpers hand out tokens that end.

use std::{env, fmt, fs::File, io, io::Read as _, path::PathBuf, sync::Arc, thread, time::Duration};

use docker_credential::{CredentialRetrievalError, DockerCredential};
use tokio::{
    sync::{Mutex, oneshot},
    time,
};

use crate::{RegistryError, limits};

/// What is known of us at one registry.
pub(crate) enum Credential {
    Anonymous,
    Password {
        user: String,
        password: String,
    },
    /// A token that a token service exchanges for another one, by OAuth 2.
    Refresh(String),
}

/// Never says more than which kind.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Password { .. } => "Password",
            Self::Refresh(_) => "Refresh",
        })
    }
}

/// Where credentials come from: `config.json` in `DOCKER_CONFIG`, else in `~/.docker`, and the helpers it names.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    /// One lookup at a time. A helper that hangs keeps its turn: no second one is started beside it.
    turn: Arc<Mutex<()>>,
}

impl Credentials {
    /// The credentials for a registry, or none. Helpers have this time, and no more than ten seconds.
    ///
    /// # Errors
    ///
    /// A configuration that cannot be read, or a helper that fails or takes too long. Going on without
    /// would end in a refusal that hides the reason.
    pub(crate) async fn of(&self, registry: &str, time: Duration) -> Result<Credential, RegistryError> {
        let failed = |why: &str| RegistryError::Credentials { registry: registry.to_owned(), why: why.to_owned() };
        let asked = async {
            let turn = Arc::clone(&self.turn).lock_owned().await;
            let (answer, answered) = oneshot::channel();
            let registry = registry.to_owned();
            // A thread of its own, since a runtime that ends waits for its blocking threads, and would for a helper.
            thread::spawn(move || {
                let _turn = turn;
                // Nobody waits any more: nothing is lost.
                drop(answer.send(look_up(&registry)));
            });
            answered.await.unwrap_or(Err("the lookup ended without an answer"))
        };
        match time::timeout(limits::HELPER.min(time), asked).await {
            Ok(found) => found.map_err(failed),
            Err(_) => Err(failed("the credential helper took too long")),
        }
    }
}

/// Blocks as long as a helper runs. Errors never carry what a helper printed: it may have printed a secret.
fn look_up(registry: &str) -> Result<Credential, &'static str> {
    let Some(path) = config_file() else { return Ok(Credential::Anonymous) };
    let file = match File::open(path) {
        Ok(file) => file.take(limits::CREDENTIALS),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Credential::Anonymous),
        Err(_) => return Err("docker's config.json cannot be opened"),
    };
    // Docker Hub is filed under the address that its first API had.
    let server = match registry {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        other => other,
    };
    match docker_credential::get_credential_from_reader(file, server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(Credential::Password { user, password }),
        Ok(DockerCredential::IdentityToken(token)) => Ok(Credential::Refresh(token)),
        Err(error) => match error {
            CredentialRetrievalError::NoCredentialConfigured | CredentialRetrievalError::ConfigNotFound => {
                Ok(Credential::Anonymous)
            }
            // Helpers say so in these words, by docker's protocol for them.
            CredentialRetrievalError::HelperFailure { stdout, .. } if stdout.contains("credentials not found") => {
                Ok(Credential::Anonymous)
            }
            CredentialRetrievalError::HelperFailure { .. } => Err("the credential helper failed"),
            CredentialRetrievalError::HelperCommunicationError => Err("the credential helper cannot be started"),
            CredentialRetrievalError::MalformedHelperResponse => Err("the credential helper's answer is not JSON"),
            CredentialRetrievalError::ConfigReadError => Err("docker's config.json is not JSON as docker writes it"),
            CredentialRetrievalError::CredentialDecodingError => Err("docker's config.json has an unreadable entry"),
            CredentialRetrievalError::CredentialMismatchError => Err("docker's config.json contradicts itself"),
        },
    }
}

fn config_file() -> Option<PathBuf> {
    let directory = match env::var_os("DOCKER_CONFIG").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(env::var_os("HOME")?).join(".docker"),
    };
    Some(directory.join("config.json"))
}
