//! What a plugin remembers between two rounds, while it travels with a client that may be hostile.
//!
//! The state is encrypted and authenticated (XChaCha20-Poly1305) under a key that this process
//! makes when it starts, and bound to the caller, the target, the component and the arguments: it
//! opens for the same call again, and for no other. It expires, and it opens once: an answer that was
//! given once, to a question about a payment say, cannot be given again by sending the same request
//! again.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use cofferdam_policy::Principal;
use cofferdam_trust::Digest;
use moka::sync::Cache;
use serde_json::Value;
use thiserror::Error;

/// How long a person may take over a form.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// What a plugin may remember; it travels with each request.
pub(crate) const LARGEST: usize = 64 * 1024;
const NONCE: usize = 24;
/// States that were opened and have not expired. More rounds than a host of many callers has in an
/// hour; what is over is forgotten, oldest first.
const MOST_USED: u64 = 1_000_000;

/// State of a plugin in the form that clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedState(pub String);

/// State that does not open. Clients are told no more than this.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StateError {
    #[error("requestState was altered or belongs to another call")]
    Foreign,
    #[error("requestState has expired: call again without it")]
    Expired,
    #[error("requestState was used already: call again without it")]
    Used,
}

pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    /// What was opened, by its nonce.
    used: Cache<[u8; NONCE], ()>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// What a state is bound to.
pub(crate) struct Binding(Vec<u8>);

impl Binding {
    pub(crate) fn new(principal: &Principal, target: &str, digest: Digest, arguments: &Value) -> Self {
        let arguments = Digest::of(canonical(arguments).as_bytes());
        let mut bytes = b"cofferdam state 1".to_vec();
        for part in [principal.id().as_bytes(), target.as_bytes(), digest.as_bytes(), arguments.as_bytes()] {
            // With its length before each part, no two lists of parts have the same bytes.
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        Self(bytes)
    }
}

impl Sealer {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let used = Cache::builder().max_capacity(MOST_USED).time_to_live(LIFETIME + Duration::from_secs(60)).build();
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()), used })
    }

    pub(crate) fn seal(&self, state: &[u8], binding: &Binding) -> Option<SealedState> {
        self.seal_until(state, binding, SystemTime::now() + LIFETIME)
    }

    fn seal_until(&self, state: &[u8], binding: &Binding, until: SystemTime) -> Option<SealedState> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let until = until.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let mut plain = until.to_le_bytes().to_vec();
        plain.extend(state);
        let payload = Payload { msg: &plain, aad: &binding.0 };
        let mut sealed = nonce.to_vec();
        sealed.extend(self.cipher.encrypt(&nonce.into(), payload).ok()?);
        Some(SealedState(URL_SAFE_NO_PAD.encode(sealed)))
    }

    pub(crate) fn open(&self, sealed: &SealedState, binding: &Binding) -> Result<Vec<u8>, StateError> {
        // A quarter for base64, and what the seal itself takes.
        if sealed.0.len() > LARGEST * 4 / 3 + 128 {
            return Err(StateError::Foreign);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).map_err(|_| StateError::Foreign)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(StateError::Foreign)?;
        let payload = Payload { msg: sealed, aad: &binding.0 };
        let plain = self.cipher.decrypt(&(*nonce).into(), payload).map_err(|_| StateError::Foreign)?;
        let (until, state) = plain.split_first_chunk::<8>().ok_or(StateError::Foreign)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if now > u64::from_le_bytes(*until) {
            return Err(StateError::Expired);
        }
        // Of two that open it at the same moment, one is first.
        if !self.used.entry(*nonce).or_insert(()).is_fresh() {
            return Err(StateError::Used);
        }
        Ok(state.to_vec())
    }
}

/// One text for one value, whatever the order its members came in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<_> = members.keys().collect();
            keys.sort();
            let members: Vec<String> =
                keys.into_iter().map(|k| format!("{}:{}", Value::from(k.as_str()), canonical(&members[k]))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use cofferdam_policy::Transport;
    use serde_json::json;

    use super::*;

    fn binding(transport: Transport, target: &str, component: &[u8], arguments: &Value) -> Binding {
        Binding::new(&Principal::of(transport), target, Digest::of(component), arguments)
    }

    #[test]
    fn opens_for_the_same_call_only() {
        let sealer = Sealer::new().unwrap();
        let arguments = json!({"a": 1, "b": {"c": [1, 2]}});
        let own = binding(Transport::Http, "t", b"x", &arguments);
        let sealed = sealer.seal(b"state", &own).unwrap();
        for other in [
            binding(Transport::Stdio, "t", b"x", &arguments),
            binding(Transport::Http, "u", b"x", &arguments),
            binding(Transport::Http, "t", b"y", &arguments),
            binding(Transport::Http, "t", b"x", &json!({"a": 2, "b": {"c": [1, 2]}})),
        ] {
            assert_eq!(sealer.open(&sealed, &other), Err(StateError::Foreign));
        }
        assert_eq!(sealer.open(&sealed, &own).unwrap(), b"state");
        assert_eq!(sealer.open(&sealed, &own), Err(StateError::Used), "once");
        let again = sealer.seal(b"state", &own).unwrap();
        assert_eq!(sealer.open(&again, &own).unwrap(), b"state", "another round is another state");
    }

    #[test]
    fn no_altered_byte_opens() {
        let sealer = Sealer::new().unwrap();
        let own = binding(Transport::Http, "t", b"x", &json!({}));
        let sealed = sealer.seal(b"state", &own).unwrap();
        for at in 0..sealed.0.len() {
            let mut text = sealed.0.clone().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let altered = SealedState(String::from_utf8(text).unwrap());
            // The last character carries bits that are not part of a byte.
            assert!(sealer.open(&altered, &own).is_err(), "{at}");
        }
        for text in ["", "A", "!!", &format!("{}-TAMPERED", sealed.0), &sealed.0[..20], &"A".repeat(1_000_000)] {
            assert_eq!(sealer.open(&SealedState(text.to_owned()), &own), Err(StateError::Foreign));
        }
    }

    #[test]
    fn expires_and_is_this_process_own() {
        let sealer = Sealer::new().unwrap();
        let own = binding(Transport::Http, "t", b"x", &json!({}));
        let old = sealer.seal_until(b"s", &own, SystemTime::now() - Duration::from_secs(2)).unwrap();
        assert_eq!(sealer.open(&old, &own), Err(StateError::Expired));
        let sealed = sealer.seal(b"s", &own).unwrap();
        assert_eq!(Sealer::new().unwrap().open(&sealed, &own), Err(StateError::Foreign));
    }

    #[test]
    fn the_order_of_arguments_does_not_matter_and_their_values_do() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":"x,\"y\":2"}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b":"x,\"y\":2","a":1}"#).unwrap();
        assert_eq!(canonical(&one), canonical(&two));
        assert_ne!(canonical(&json!({"a": "1"})), canonical(&json!({"a": 1})));
        assert_ne!(canonical(&json!({"a": 1, "b": 2})), canonical(&json!({"a": "1,\"b\":2"})));
    }
}
