//! The encrypted private key as cosign writes it: PEM around JSON around a NaCl secretbox.
//!
//! Source: what `cosign generate-key-pair` 2.5 and 3.1 write. The password goes through scrypt, whose
//! result is the key of the box; the box holds the PKCS#8 DER.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use crypto_secretbox::{
    XSalsa20Poly1305,
    aead::{AeadInPlace as _, KeyInit as _},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    key::{KeyError, LARGEST},
    text::shown,
};

const SIGSTORE: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What cosign wrote before version 2.
const COSIGN: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// What cosign writes: 64 MiB.
const LOG_N: u8 = 16;
const R: u32 = 8;
const P: u32 = 1;

/// Most memory to spend on a password, in MiB: four times what cosign asks for.
const MOST_MEBIBYTES: u64 = 256;
/// Most passes over that memory.
const MOST_ROUNDS: u32 = 4;

const SALT: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The PEM text of this PKCS#8 key under this password.
pub(crate) fn seal(pkcs8: &[u8], password: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let mut salt = [0; SALT];
    let mut nonce = [0; NONCE];
    for bytes in [&mut salt[..], &mut nonce[..]] {
        getrandom::fill(bytes).map_err(|e| KeyError::Failed { why: e.to_string() })?;
    }
    let cost = Cost { n: 1 << LOG_N, r: R, p: P };
    let cipher = cipher(password, &salt, &cost)?;
    let mut body = Zeroizing::new(pkcs8.to_vec());
    let tag = cipher
        .encrypt_in_place_detached((&nonce).into(), b"", &mut body)
        .map_err(|_| KeyError::Failed { why: "the key could not be encrypted".to_owned() })?;
    // NaCl's box puts its tag in front.
    let boxed = [tag.as_slice(), &body].concat();
    let json = serde_json::to_vec(&Sealed {
        kdf: Kdf { name: "scrypt".to_owned(), params: cost, salt: BASE64.encode(salt) },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: BASE64.encode(nonce) },
        ciphertext: BASE64.encode(boxed),
    })
    .map_err(|e| KeyError::Failed { why: e.to_string() })?;
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Ok(Zeroizing::new(pem::encode_config(&pem::Pem::new(SIGSTORE, json), config)))
}

/// The PKCS#8 key in this PEM text.
pub(crate) fn open(text: &str, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let wrong = |why: &str| KeyError::NotAKeyFile { why: shown(why) };
    if text.len() > LARGEST {
        return Err(wrong("it is too long for a key file"));
    }
    let outer = pem::parse(text).map_err(|e| wrong(&e.to_string()))?;
    match outer.tag() {
        SIGSTORE | COSIGN => {}
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => return Err(KeyError::Unencrypted),
        "PUBLIC KEY" => return Err(wrong("it is the public key; its private half has the ending .key")),
        other => return Err(wrong(&format!("it holds a {other}"))),
    }
    let sealed: Sealed = serde_json::from_slice(outer.contents()).map_err(|e| wrong(&e.to_string()))?;
    if sealed.kdf.name != "scrypt" || sealed.cipher.name != "nacl/secretbox" {
        return Err(wrong(&format!("it is encrypted with {} and {}", sealed.kdf.name, sealed.cipher.name)));
    }
    let decode = |what: &str, text: &str| BASE64.decode(text).map_err(|_| wrong(&format!("its {what} is no base64")));
    let salt = decode("salt", &sealed.kdf.salt)?;
    let nonce: [u8; NONCE] =
        decode("nonce", &sealed.cipher.nonce)?.try_into().map_err(|_| wrong("its nonce has not 24 bytes"))?;
    let boxed = decode("ciphertext", &sealed.ciphertext)?;
    let Some((tag, body)) = boxed.split_first_chunk::<TAG>() else {
        return Err(wrong("its ciphertext is too short"));
    };
    let mut body = Zeroizing::new(body.to_vec());
    cipher(password, &salt, &sealed.kdf.params)?
        .decrypt_in_place_detached((&nonce).into(), b"", &mut body, tag.into())
        .map_err(|_| KeyError::WrongPassword)?;
    Ok(body)
}

/// The box of a password, after a look at what making it would cost.
fn cipher(password: &[u8], salt: &[u8], cost: &Cost) -> Result<XSalsa20Poly1305, KeyError> {
    let wrong = || KeyError::NotAKeyFile { why: "its scrypt parameters are no scrypt parameters".to_owned() };
    let bytes = cost.n.checked_mul(128).and_then(|b| b.checked_mul(u64::from(cost.r))).unwrap_or(u64::MAX);
    if bytes > MOST_MEBIBYTES << 20 || cost.p > MOST_ROUNDS {
        return Err(KeyError::TooCostly { mebibytes: bytes >> 20, rounds: cost.p });
    }
    if cost.n < 2 || !cost.n.is_power_of_two() {
        return Err(wrong());
    }
    let log_n = u8::try_from(cost.n.ilog2()).map_err(|_| wrong())?;
    let params = scrypt::Params::new(log_n, cost.r, cost.p).map_err(|_| wrong())?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut *key).map_err(|_| wrong())?;
    Ok(XSalsa20Poly1305::new((&*key).into()))
}

#[cfg(test)]
#[path = "key_file/tests.rs"]
mod tests;
