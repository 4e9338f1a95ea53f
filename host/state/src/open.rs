//! Opening what the settings name.

use std::sync::Arc;

use crate::{KeyValue, StateError, StateSettings, embedded::Embedded, key_value::RedisKeyValue};

/// Opens the store and makes sure that it can be used.
///
/// # Errors
///
/// See [`StateError`]. A store that is there is never altered by a failure.
pub async fn open(settings: &StateSettings) -> Result<Arc<dyn KeyValue>, StateError> {
    match settings {
        StateSettings::Embedded { file } => Ok(Arc::new(Embedded::open(file).await?)),
        StateSettings::Redis { url, prefix, ca_file, timeout } => {
            Ok(Arc::new(RedisKeyValue::open(url, prefix, ca_file.as_deref(), *timeout).await?))
        }
    }
}
