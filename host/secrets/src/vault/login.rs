//! What this host shows to Vault.

use std::{
    env,
    path::{Path, PathBuf},
    str,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode, header::HeaderValue};
use serde::Serialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{Line, Trouble, answer, check_path};
use crate::{SettingsError, VaultAuth, file};

/// Bytes of a token: those that carry all of their rights have some kilobytes.
const TOKEN: usize = 32 << 10;
/// Bytes of a role's name.
const ROLE: usize = 256;
/// A lease's share after which there is a new login: as agents of Vault do, with time for several attempts.
const SHARE: f64 = 2.0 / 3.0;
/// A token this young is refused for what it may, and not because it has ended.
const YOUNG: Duration = Duration::from_secs(1);

pub(super) enum Login {
    File(PathBuf),
    Fixed(HeaderValue),
    Kubernetes { role: String, mount: String, jwt_file: PathBuf, lease: Mutex<Option<Lease>> },
}

/// A token that Vault gave.
pub(super) struct Lease {
    token: HeaderValue,
    since: Instant,
    until: Option<Instant>,
}

#[derive(Serialize)]
struct Request<'a> {
    role: &'a str,
    jwt: &'a str,
}

impl Login {
    pub(super) fn new(auth: VaultAuth) -> Result<Self, SettingsError> {
        let wrong = |what, why: String| SettingsError::Login { what, why };
        match auth {
            VaultAuth::TokenFile(path) if path.as_os_str().is_empty() => {
                Err(wrong("token file", "its path is empty".to_owned()))
            }
            VaultAuth::TokenFile(path) => Ok(Self::File(path)),
            VaultAuth::TokenVariable(variable) => {
                let value = env::var_os(&variable)
                    .ok_or_else(|| wrong("token", format!("the variable {variable:?} is not set")))?;
                let value = Zeroizing::new(value.into_encoded_bytes());
                let token = header(&value).map_err(|why| wrong("token", format!("the variable {variable:?} {why}")))?;
                Ok(Self::Fixed(token))
            }
            VaultAuth::Kubernetes { role, mount, jwt_file } => {
                if role.is_empty() || role.len() > ROLE || role.chars().any(char::is_control) {
                    return Err(wrong("role", "it has 1 to 256 bytes and no control characters".to_owned()));
                }
                check_path(&mount).map_err(|why| wrong("login's mount", why.to_owned()))?;
                if jwt_file.as_os_str().is_empty() {
                    return Err(wrong("login's JWT file", "its path is empty".to_owned()));
                }
                Ok(Self::Kubernetes { role, mount, jwt_file, lease: Mutex::new(None) })
            }
        }
    }

    /// The token to ask with. `refused` is one that Vault did not take, and when it was asked with it; the same one comes
    /// back when there is no other.
    pub(super) async fn token(
        &self,
        line: &Line,
        refused: Option<(&HeaderValue, Instant)>,
    ) -> Result<HeaderValue, Trouble> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::File(path) => {
                let token = credential(path).await?;
                header(&token).map_err(|why| Trouble::Login(format!("{} {why}", path.display())))
            }
            Self::Kubernetes { role, mount, jwt_file, lease } => {
                // Whoever waits here finds the token that another one got.
                let mut lease = lease.lock().await;
                if let Some(lease) = lease.as_ref().filter(|lease| lease.serves(refused)) {
                    return Ok(lease.token.clone());
                }
                let fresh = log_in(line, role, mount, jwt_file).await?;
                let token = fresh.token.clone();
                *lease = Some(fresh);
                Ok(token)
            }
        }
    }
}

impl Lease {
    fn serves(&self, refused: Option<(&HeaderValue, Instant)>) -> bool {
        let ended = self.until.is_some_and(|until| until <= Instant::now());
        // Refused it serves on when it is so young that a new one would be refused as well.
        let given_up = refused
            .is_some_and(|(token, asked)| *token == self.token && asked.saturating_duration_since(self.since) >= YOUNG);
        !ended && !given_up
    }
}

async fn log_in(line: &Line, role: &str, mount: &str, jwt_file: &Path) -> Result<Lease, Trouble> {
    let jwt = credential(jwt_file).await?;
    let not_text = || Trouble::Login(format!("{} is no text", jwt_file.display()));
    let jwt = str::from_utf8(&jwt).map_err(|_| not_text())?.trim_end();
    let body = serde_json::to_vec(&Request { role, jwt }).map_err(|_| not_text())?;
    let url = line.url(&["auth", mount, "login"]);
    let since = Instant::now();
    let answer = line.ask(Method::POST, &url, None, Some(body)).await?;
    if answer.status != StatusCode::OK {
        return Err(Trouble::Login(format!(
            "auth/{mount} refused the role {role:?} with status {}: see Vault's log for why",
            answer.status.as_u16()
        )));
    }
    let (token, lease) = answer::token(&answer.body)?;
    let token = header(token.as_bytes()).map_err(|why| Trouble::Login(format!("the token it gave {why}")))?;
    let until = lease.and_then(|lease| since.checked_add(lease.mul_f64(SHARE)));
    Ok(Lease { token, since, until })
}

async fn credential(path: &Path) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let read = file::read(path.to_owned(), TOKEN).await;
    read.map_err(|why| Trouble::Login(format!("{} cannot be read: {why}", path.display())))
}

fn header(token: &[u8]) -> Result<HeaderValue, &'static str> {
    let token = token.trim_ascii();
    if token.is_empty() {
        return Err("is empty");
    }
    if token.len() > TOKEN {
        return Err("is too long");
    }
    let fits = token.iter().all(u8::is_ascii_graphic);
    let mut value = HeaderValue::from_bytes(token).ok().filter(|_| fits).ok_or("has what no token has")?;
    value.set_sensitive(true);
    Ok(value)
}
