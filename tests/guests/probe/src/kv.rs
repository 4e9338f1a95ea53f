//! `wasi:keyvalue`.

use serde_json::{json, Value};

use crate::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::wasi::keyvalue::batch;
use crate::wasi::keyvalue::store::{self, Bucket, Error};
use crate::{lossy, text, texts};

/// `{ op, bucket?, key?, value?, filler?, delta?, keys?, pairs?, cursor?, meanwhile? }`
pub fn kv(arguments: &Value) -> Value {
    match run(arguments) {
        Ok(result) => result,
        Err(Error::NoSuchStore) => json!({ "error": "no-such-store" }),
        Err(Error::AccessDenied) => json!({ "error": "access-denied" }),
        Err(Error::Other(why)) => json!({ "error": "other", "detail": why }),
    }
}

fn value(arguments: &Value) -> Vec<u8> {
    match arguments["filler"].as_u64() {
        Some(bytes) => vec![b'x'; usize::try_from(bytes).unwrap_or(usize::MAX)],
        None => text(arguments, "value").as_bytes().to_vec(),
    }
}

fn run(arguments: &Value) -> Result<Value, Error> {
    let bucket = store::open(text(arguments, "bucket"))?;
    let key = text(arguments, "key");
    Ok(match text(arguments, "op") {
        "get" => json!({ "value": bucket.get(key)?.map(|value| lossy(&value)) }),
        "set" => {
            bucket.set(key, &value(arguments))?;
            json!({ "set": true })
        }
        "delete" => {
            bucket.delete(key)?;
            json!({ "deleted": true })
        }
        "exists" => json!({ "exists": bucket.exists(key)? }),
        "list" => {
            let page = bucket.list_keys(arguments["cursor"].as_str())?;
            json!({ "keys": page.keys, "cursor": page.cursor })
        }
        "increment" => json!({ "sum": atomics::increment(&bucket, key, arguments["delta"].as_i64().unwrap_or(1))? }),
        "cas" => cas(&bucket, key, arguments)?,
        "get_many" => {
            let found = batch::get_many(&bucket, &texts(&arguments["keys"]))?;
            json!({ "pairs": found.into_iter().map(|pair| pair.map(|(k, v)| (k, lossy(&v)))).collect::<Vec<_>>() })
        }
        "set_many" => {
            let pairs = arguments["pairs"].as_array().cloned().unwrap_or_default();
            let pairs: Vec<(String, Vec<u8>)> = pairs
                .iter()
                .map(|pair| {
                    let of = |n: usize| pair[n].as_str().unwrap_or_default();
                    (of(0).to_owned(), of(1).as_bytes().to_vec())
                })
                .collect();
            batch::set_many(&bucket, &pairs)?;
            json!({ "set": pairs.len() })
        }
        "delete_many" => {
            batch::delete_many(&bucket, &texts(&arguments["keys"]))?;
            json!({ "deleted": true })
        }
        // Opening alone.
        _ => json!({ "opened": true }),
    })
}

/// Replaces a value as it was read; `meanwhile` is written in between.
fn cas(bucket: &Bucket, key: &str, arguments: &Value) -> Result<Value, Error> {
    let cas = Cas::new(bucket, key)?;
    let seen = cas.current()?.map(|value| lossy(&value));
    if let Some(other) = arguments["meanwhile"].as_str() {
        bucket.set(key, other.as_bytes())?;
    }
    match atomics::swap(cas, &value(arguments)) {
        Ok(()) => Ok(json!({ "seen": seen, "swapped": true })),
        Err(CasError::StoreError(error)) => Err(error),
        Err(CasError::CasFailed(now)) => {
            let now = now.current()?.map(|value| lossy(&value));
            Ok(json!({ "seen": seen, "swapped": false, "now": now }))
        }
    }
}
