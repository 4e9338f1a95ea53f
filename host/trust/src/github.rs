use std::collections::BTreeMap;

use crate::{
    pattern::Pattern,
    sigstore::{Certified, Name},
    text::shown,
};

/// Who authenticates GitHub's workflows.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// A workflow of a GitHub repository, and what it must have run as.
///
/// The certificate's name alone does not say enough: it does not name the machine, and for a reusable
/// workflow it names the repository of the workflow, not of the source. So the certificate's own claims
/// must say the same, and one that is missing refuses.
#[derive(Clone, Debug)]
pub struct GithubActions {
    /// `owner/name`, as GitHub spells it.
    pub repository: String,
    /// The workflow's file in that repository: `.github/workflows/release.yml`.
    pub workflow: String,
    /// The git reference it must have run for, such as `refs/tags/v*`.
    pub reference: Pattern,
    /// The kind of machine: `github-hosted` or `self-hosted`.
    pub runner: String,
    /// The events that may have started it, such as `push`.
    pub triggers: Vec<String>,
}

/// What was found instead of what the rule wants.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// A clause without a subject of its own, or `None` where the signer's name says it all.
    pub(crate) found: Option<String>,
    pub(crate) wants: String,
}

/// The certificate's claims that a rule relied on, by their names in the sigstore documentation.
pub(crate) type Claims = BTreeMap<String, String>;

impl GithubActions {
    /// The claims relied on, when the certificate is this workflow's.
    ///
    /// Asks the broadest question first, so that a message names the largest difference.
    pub(crate) fn matches(&self, certified: &Certified) -> Result<Claims, Mismatch> {
        let wrong = |wants: String| Err(Mismatch { found: None, wants });
        let repository = format!("https://github.com/{}", self.repository);
        if certified.issuer != ISSUER {
            return wrong(format!("the issuer {ISSUER}"));
        }
        let Name::Uri(name) = &certified.name else {
            return wrong(format!("a workflow of repository {}", shown(&self.repository)));
        };
        let Some(path) = name.strip_prefix(&repository).and_then(|rest| rest.strip_prefix('/')) else {
            return wrong(format!("repository {}", shown(&self.repository)));
        };
        let Some(reference) = path.strip_prefix(&self.workflow).and_then(|rest| rest.strip_prefix('@')) else {
            return wrong(format!("workflow {}", shown(&self.workflow)));
        };
        if !self.reference.matches(reference) {
            return wrong(format!("ref {}", shown(&self.reference.to_string())));
        }
        let mut claims = Claims::new();
        let mut claim = |key: &str, said: Option<&String>, holds: &dyn Fn(&str) -> bool, wants: &str| {
            let found = match said {
                Some(said) if holds(said) => {
                    claims.insert(key.to_owned(), said.clone());
                    return Ok(());
                }
                Some(said) => format!("its certificate says {key} {}", shown(said)),
                None => format!("its certificate does not say {key}"),
            };
            Err(Mismatch { found: Some(found), wants: format!("{key} {}", shown(wants)) })
        };
        let said = &certified.claims;
        claim("source_repository_uri", said.repository.as_ref(), &|found| found == repository, &repository)?;
        claim(
            "source_repository_ref",
            said.reference.as_ref(),
            &|found| self.reference.matches(found),
            &self.reference.to_string(),
        )?;
        claim("runner_environment", said.runner.as_ref(), &|found| found == self.runner, &self.runner)?;
        claim(
            "build_trigger",
            said.trigger.as_ref(),
            &|found| self.triggers.iter().any(|t| t == found),
            &self.triggers.join(" or "),
        )?;
        Ok(claims)
    }
}
