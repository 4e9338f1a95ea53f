//! The password of a key file: from the environment, or from whoever sits at the terminal.

use std::{
    env::{self, VarError},
    io::{self, IsTerminal as _},
};

use anyhow::{Context as _, Result, bail};
use zeroize::Zeroizing;

/// Ours, and what scripts for cosign set already.
const VARIABLES: [&str; 2] = ["COFFERDAM_KEY_PASSWORD", "COSIGN_PASSWORD"];

/// What the password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open a key file.
    Open,
    /// To write a new one: asked for twice, because a typing error would cost the key.
    New,
}

/// The password. An empty one is one, when the environment says so.
pub(crate) fn password(purpose: Purpose) -> Result<Zeroizing<String>> {
    for variable in VARIABLES {
        match env::var(variable) {
            Ok(password) => return Ok(Zeroizing::new(password)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => bail!("the password in {variable} is no UTF-8"),
        }
    }
    if !io::stdin().is_terminal() {
        bail!("the key needs a password: set {}, or run this on a terminal, where it is asked for", VARIABLES[0]);
    }
    match purpose {
        Purpose::Open => ask("Password of the key: "),
        Purpose::New => {
            let first = ask("New password of the key: ")?;
            if *ask("The same again: ")? != *first {
                bail!("the two passwords differ; nothing was written");
            }
            Ok(first)
        }
    }
}

fn ask(prompt: &str) -> Result<Zeroizing<String>> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).context("the terminal gave no password")
}
