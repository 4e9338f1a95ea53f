use thiserror::Error;

use crate::{sigstore::Name, text::shown};

/// What may stand before the part of an identity that a prefix leaves open.
const SEPARATORS: [char; 5] = ['/', '@', ':', '#', ';'];

/// Whom an `oidc` signer's certificate must name, and as what.
///
/// An e-mail address and a URI of the same text are two identities: whoever may choose a URI must
/// not become somebody's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Exactly this e-mail address.
    Email(String),
    /// Exactly this URI.
    Uri(String),
    /// A URI that starts with this and goes on. Made by [`Subject::uri_prefix`].
    UriPrefix(String),
}

/// A prefix that would accept strangers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{found:?} is no prefix of identities: end it with one of / @ : # ; or every name that goes on from it would match"
)]
pub struct SubjectError {
    found: String,
}

impl Subject {
    /// URIs that start with `prefix`, which ends where one part of a URI ends: at `/`, `@`, `:`, `#` or `;`.
    ///
    /// # Errors
    ///
    /// Another end: `https://github.com/acme` would also be `https://github.com/acme-evil/...`.
    pub fn uri_prefix(prefix: &str) -> Result<Self, SubjectError> {
        if !prefix.ends_with(SEPARATORS) {
            return Err(SubjectError { found: shown(prefix) });
        }
        Ok(Self::UriPrefix(prefix.to_owned()))
    }

    /// Whether a verified certificate's name is this subject.
    pub(crate) fn matches(&self, name: &Name) -> bool {
        match (self, name) {
            (Self::Email(wanted), Name::Email(found)) | (Self::Uri(wanted), Name::Uri(found)) => wanted == found,
            (Self::UriPrefix(wanted), Name::Uri(found)) => {
                // Asked again because the variant can be built by hand.
                wanted.ends_with(SEPARATORS) && found.len() > wanted.len() && found.starts_with(wanted.as_str())
            }
            _ => false,
        }
    }

    /// What this subject wants, for a message.
    pub(crate) fn wants(&self) -> String {
        match self {
            Self::Email(email) => format!("the e-mail address {}", shown(email)),
            Self::Uri(uri) => format!("the URI {}", shown(uri)),
            Self::UriPrefix(prefix) => format!("a URI that starts with {}", shown(prefix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Name {
        Name::Uri(text.to_owned())
    }

    #[test]
    fn a_prefix_ends_at_a_separator() {
        for good in ["https://github.com/acme/", "https://a/b@", "spiffe://a:", "x#", "x;"] {
            assert!(Subject::uri_prefix(good).is_ok(), "{good}");
        }
        for wrong in ["", "https://github.com/acme", "https://github.com/acme-", "https://github.com/acme?", "x.", "x "]
        {
            assert!(Subject::uri_prefix(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_prefix_takes_what_goes_on_and_no_look_alike() {
        let subject = Subject::uri_prefix("https://github.com/acme/").unwrap();
        assert!(subject.matches(&uri("https://github.com/acme/plugins")));
        for other in [
            "https://github.com/acme/",
            "https://github.com/acme",
            "https://github.com/acme-evil/plugins",
            "https://github.com.evil.example/acme/plugins",
            "http://github.com/acme/plugins",
            "https://github.com/Acme/plugins",
            "xhttps://github.com/acme/plugins",
        ] {
            assert!(!subject.matches(&uri(other)), "{other}");
        }
        assert!(!subject.matches(&Name::Email("https://github.com/acme/plugins".to_owned())));
    }

    #[test]
    fn a_prefix_built_by_hand_still_needs_its_separator() {
        assert!(
            !Subject::UriPrefix("https://github.com/acme".to_owned()).matches(&uri("https://github.com/acme-evil"))
        );
        assert!(!Subject::UriPrefix(String::new()).matches(&uri("https://github.com/acme-evil")));
    }

    #[test]
    fn an_address_is_no_uri() {
        let email = Subject::Email("alice@example.com".to_owned());
        assert!(email.matches(&Name::Email("alice@example.com".to_owned())));
        assert!(!email.matches(&uri("alice@example.com")));
        assert!(!email.matches(&Name::Email("malice@example.com".to_owned())));
        assert!(!Subject::Uri("alice@example.com".to_owned()).matches(&Name::Email("alice@example.com".to_owned())));
    }
}
