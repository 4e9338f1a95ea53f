//! Vault and OpenBao, as much of them as it takes to read a field of the KV engine's version 2.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::{Method, StatusCode};
use tokio::time;
use url::Url;

use crate::{Secret, SecretError, SecretName, SettingsError, Unfit, VaultSettings};

mod address;
mod answer;
mod line;
mod login;

pub(crate) use address::check_path;
use line::Line;
use login::Login;

/// How often a request is made in all, while Vault is away and there is time.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Asks Vault for secrets.
pub(crate) struct Vault {
    line: Line,
    login: Login,
    timeout: Duration,
}

/// Why Vault was of no use. Has no words of Vault's: those may hold anything that was sent or is stored.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    Away(String),
    Login(String),
    Refused(u16),
    Missing,
    Odd(String),
    Unfit(Unfit),
}

impl Vault {
    /// A client by these settings. Makes no request.
    pub(crate) fn new(settings: VaultSettings) -> Result<Self, SettingsError> {
        let timeout = settings.timeout;
        let login = Login::new(settings.auth)?;
        let line = Line::new(settings.address, settings.namespace.as_deref(), settings.ca_file.as_deref(), timeout)?;
        Ok(Self { line, login, timeout })
    }

    /// The value of a field.
    pub(crate) async fn read(
        &self,
        name: &SecretName,
        mount: &str,
        path: &str,
        field: &str,
    ) -> Result<Secret, SecretError> {
        let url = self.line.url(&[mount, "data", path]);
        let attempt = || self.attempt(&url, field);
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(ATTEMPTS - 1);
        let attempts = attempt.retry(pauses).when(|trouble| matches!(trouble, Trouble::Away(_)));
        let read = match time::timeout(self.timeout, attempts).await {
            Ok(read) => read,
            Err(_) => Err(Trouble::Away(format!("no answer within {} s", self.timeout.as_secs_f32()))),
        };
        let name = name.clone();
        let place = || format!("{mount}/{path}");
        read.map_err(|trouble| match trouble {
            Trouble::Away(why) => SecretError::VaultAway { name, why },
            Trouble::Login(why) => SecretError::VaultLogin { name, why },
            Trouble::Refused(status) => SecretError::VaultRefused { name, place: place(), status },
            Trouble::Missing => SecretError::VaultMissing { name, place: place() },
            Trouble::Odd(why) => SecretError::VaultOdd { name, place: place(), why },
            Trouble::Unfit(why) => {
                SecretError::Unfit { name, place: format!("Vault's {}, field {field}", place()), why }
            }
        })
    }

    async fn attempt(&self, url: &Url, field: &str) -> Result<Secret, Trouble> {
        let asked = Instant::now();
        let token = self.login.token(&self.line, None).await?;
        let mut answer = self.line.ask(Method::GET, url, Some(&token), None).await?;
        if answer.status == StatusCode::FORBIDDEN {
            // The token may have ended before its time. Whether another one is to be had is for the login to say.
            let other = self.login.token(&self.line, Some((&token, asked))).await?;
            if other != token {
                answer = self.line.ask(Method::GET, url, Some(&other), None).await?;
            }
        }
        match answer.status {
            StatusCode::OK => answer::field(&answer.body, field),
            StatusCode::NOT_FOUND => Err(Trouble::Missing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Trouble::Refused(answer.status.as_u16())),
            status => Err(Trouble::Odd(format!("its status is {}", status.as_u16()))),
        }
    }
}
