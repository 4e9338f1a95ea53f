//! `cofferdam sigstore-conformance`: the command line that sigstore's public conformance suite drives.
//!
//! Source: the client protocol of sigstore/sigstore-conformance. Exit code 0 is "verified"; everything
//! else is "refused". The command stands below the policy: it knows neither signers nor rules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand};
use cofferdam_trust::{
    Artifact, Digest, Expected, Instance, LARGEST_SIGNATURE, PublicKey, Signature, TrustRoot, verify_conformance,
};

use crate::files::read;

/// Largest file of the suite to read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The hidden command. Not one for people, so neither help nor completions know it.
pub(crate) const COMMAND: &str = "sigstore-conformance";

#[derive(Debug, Parser)]
#[command(name = "cofferdam sigstore-conformance")]
pub(crate) struct ConformanceArgs {
    #[command(subcommand)]
    pub(crate) command: ConformanceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConformanceCommand {
    /// Verify a bundle.
    VerifyBundle(VerifyArgs),
    /// Refused: this program signs with keys only, and never over the network.
    SignBundle {
        /// Ignored.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Trust the test instance of sigstore instead of the public one.
    #[arg(long)]
    pub(crate) staging: bool,
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// The exact name in the certificate.
    #[arg(long, value_name = "ID", requires = "certificate_oidc_issuer", required_unless_present = "key")]
    pub(crate) certificate_identity: Option<String>,
    /// Who must have authenticated that name.
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// The public key that must have signed.
    #[arg(long, value_name = "PEM_FILE", conflicts_with = "certificate_identity")]
    pub(crate) key: Option<PathBuf>,
    /// The trust root; the built-in one when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// What was signed: a file, or sha256:DIGEST.
    #[arg(value_name = "FILE_OR_DIGEST")]
    pub(crate) artifact: String,
}

pub(crate) fn run(args: &ConformanceArgs) -> Result<ExitCode> {
    match &args.command {
        ConformanceCommand::VerifyBundle(args) => verify(args),
        ConformanceCommand::SignBundle { .. } => bail!("sign-bundle is not offered: run the suite with --skip-signing"),
    }
}

fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let root = match &args.trusted_root {
        Some(path) => TrustRoot::from_json(&text(path)?)?,
        None => TrustRoot::embedded(if args.staging { Instance::Staging } else { Instance::PublicGood })?,
    };
    let signature = Signature::bundle(&read(&args.bundle, LARGEST_SIGNATURE)?)?;
    let key = args.key.as_deref().map(|path| anyhow::Ok(PublicKey::from_pem(&text(path)?)?)).transpose()?;
    let expected = match (&key, &args.certificate_identity, &args.certificate_oidc_issuer) {
        (Some(key), _, _) => Expected::Key(key),
        (None, Some(identity), Some(issuer)) => Expected::Certificate { identity, issuer },
        _ => bail!("give --certificate-identity and --certificate-oidc-issuer, or --key"),
    };
    let bytes;
    let artifact = match digest(&args.artifact) {
        Some(digest) => Artifact::Digest(digest),
        None => {
            bytes = read(Path::new(&args.artifact), LARGEST)?;
            Artifact::Bytes(&bytes)
        }
    };
    verify_conformance(&root, artifact, &signature, expected)?;
    println!("verified");
    Ok(ExitCode::SUCCESS)
}

/// The suite's rule: a digest says so, is whole, and is not the name of a file.
fn digest(text: &str) -> Option<Digest> {
    let digits = text.strip_prefix("sha256:")?;
    if fs::exists(text).unwrap_or(true) {
        return None;
    }
    // Exactly the digits: a second prefix is none.
    (digits.len() == 64).then(|| digits.parse().ok()).flatten()
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, LARGEST)?).with_context(|| format!("{} is no text", path.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: ConformanceArgs,
    }

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn takes_the_suites_command_lines() {
        for good in [
            "x verify-bundle --bundle B --certificate-identity ID --certificate-oidc-issuer URL FILE",
            "x verify-bundle --staging --bundle B --certificate-identity ID --certificate-oidc-issuer URL FILE",
            "x verify-bundle --bundle B --key K --trusted-root R sha256:00",
            "x sign-bundle --identity-token T --bundle B FILE",
        ] {
            assert!(parses(good), "{good}");
        }
        for wrong in [
            "x verify-bundle --bundle B FILE",
            "x verify-bundle --bundle B --certificate-identity ID FILE",
            "x verify-bundle --bundle B --certificate-oidc-issuer URL FILE",
            "x verify-bundle --bundle B --key K --certificate-identity ID --certificate-oidc-issuer URL FILE",
        ] {
            assert!(!parses(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_digest_says_so_and_is_whole() {
        let hex = "0".repeat(64);
        assert!(digest(&format!("sha256:{hex}")).is_some());
        for other in [hex.as_str(), "sha256:00", "Cargo.toml", &format!("sha256:sha256:{hex}")] {
            assert!(digest(other).is_none(), "{other}");
        }
    }
}
