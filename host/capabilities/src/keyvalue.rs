//! `wasi:keyvalue`: buckets of a plugin's own, kept between calls. Needs the grant `keyvalue`.
//!
//! A bucket is the plugin's, the tenant's and its own name together; a guest says only the last.

use cofferdam_policy::{Access, Bucket as Granted, Capability};
use cofferdam_state::{Cursor, Key, KeyValueError, NotAKey, Quota, Space, Swap};
use wasmtime::component::Resource;

use crate::{
    Capabilities,
    bindings::wasi::keyvalue::{atomics, batch, store},
    effects::Pending,
    refusal::NOT_GRANTED,
    services::StoreAway,
};

/// Keys of one page; the whole listing takes several.
const PAGE: usize = 1000;
/// Keys of one batch.
const BATCH: usize = 1000;

/// A bucket that was opened.
#[derive(Clone, Debug)]
pub struct Bucket {
    space: Space,
    access: Access,
    quota: Quota,
}

/// A value as it was, to be replaced only as long as it still is that.
#[derive(Debug)]
pub struct Cas {
    bucket: Bucket,
    key: Key,
    seen: Option<Vec<u8>>,
}

/// Why a host function answered with an error, before it becomes the interface's.
enum Refused {
    NotGranted,
    NoSuchBucket,
    ReadOnly,
    Key(NotAKey),
    TooMany,
    Store(KeyValueError),
    Away(StoreAway),
}

impl From<KeyValueError> for Refused {
    fn from(error: KeyValueError) -> Self {
        Self::Store(error)
    }
}

impl From<StoreAway> for Refused {
    fn from(error: StoreAway) -> Self {
        Self::Away(error)
    }
}

impl From<NotAKey> for Refused {
    fn from(error: NotAKey) -> Self {
        Self::Key(error)
    }
}

impl Refused {
    /// Writes down what became of it, and gives what the guest gets.
    fn told(self, effect: Pending) -> store::Error {
        match self {
            Self::NotGranted => {
                effect.refused(NOT_GRANTED);
                store::Error::AccessDenied
            }
            Self::NoSuchBucket => {
                effect.refused("no bucket of this name is granted");
                store::Error::NoSuchStore
            }
            Self::ReadOnly => {
                effect.refused("the grant is to read only");
                store::Error::AccessDenied
            }
            Self::Key(error) => {
                effect.failed(error.to_string());
                store::Error::Other(error.to_string())
            }
            Self::TooMany => {
                let why = format!("at most {BATCH} keys at a time");
                effect.failed(why.as_str());
                store::Error::Other(why)
            }
            Self::Store(error @ KeyValueError::OverQuota { .. }) => {
                effect.refused(error.to_string());
                store::Error::Other(error.to_guest().to_string())
            }
            Self::Away(error) => {
                effect.failed(error.to_string());
                store::Error::Other("the store is not available: try again later".into())
            }
            Self::Store(error) => {
                let told = error.to_guest().to_string();
                effect.failed(error.to_string());
                store::Error::Other(told)
            }
        }
    }
}

fn conclude<T>(effect: Pending, result: Result<T, Refused>) -> Result<T, store::Error> {
    match result {
        Ok(value) => {
            effect.allowed();
            Ok(value)
        }
        Err(refused) => Err(refused.told(effect)),
    }
}

impl Bucket {
    fn of(granted: &Granted, plugin: &str, tenant: &str) -> Result<Self, Refused> {
        let space = Space::new(plugin, tenant, granted.bucket.as_ref()).map_err(|_| Refused::NoSuchBucket)?;
        let quota = Quota {
            keys: granted.keys.into(),
            bytes: granted.bytes.get(),
            value: granted.value.get(),
            ttl: granted.ttl.map(|ttl| ttl.get()),
        };
        Ok(Self { space, access: granted.access, quota })
    }

    fn writable(&self) -> Result<(), Refused> {
        if self.access.writes() { Ok(()) } else { Err(Refused::ReadOnly) }
    }

    fn shown(&self, key: &str) -> String {
        format!("{}/{key}", self.space.bucket())
    }
}

fn keys(texts: Vec<String>) -> Result<Vec<Key>, Refused> {
    if texts.len() > BATCH {
        return Err(Refused::TooMany);
    }
    texts.into_iter().map(|text| Key::try_from(text).map_err(Refused::Key)).collect()
}

impl Capabilities {
    fn begin_in(&self, operation: &'static str, target: impl AsRef<str>) -> Pending {
        self.recorder.begin(Capability::KeyValue, operation, target)
    }

    fn bucket(&mut self, handle: &Resource<Bucket>) -> wasmtime::Result<Bucket> {
        Ok(self.table.get(handle)?.clone())
    }
}

impl store::Host for Capabilities {
    async fn open(&mut self, identifier: String) -> wasmtime::Result<Result<Resource<Bucket>, store::Error>> {
        // The proposal lets a host choose what an empty name means.
        let name = if identifier.is_empty() { "default" } else { identifier.as_str() };
        let effect = self.begin_in("open", name);
        let opened = match &self.grants.keyvalue {
            None => Err(Refused::NotGranted),
            Some(grant) => grant
                .bucket(name)
                .ok_or(Refused::NoSuchBucket)
                .and_then(|granted| Bucket::of(granted, self.plugin.as_str(), &self.tenant)),
        };
        match conclude(effect, opened) {
            Ok(bucket) => Ok(Ok(self.table.push(bucket)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl store::HostBucket for Capabilities {
    async fn get(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("get", bucket.shown(&key));
        let result = async { Ok(self.keyvalue.open().await?.get(&bucket.space, &Key::try_from(key)?).await?) }.await;
        if let Ok(Some(value)) = &result {
            effect.received(value.len() as u64);
        }
        Ok(conclude(effect, result))
    }

    async fn set(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("set", bucket.shown(&key));
        effect.sent(value.len() as u64);
        let result = async {
            bucket.writable()?;
            Ok(self.keyvalue.open().await?.set(&bucket.space, &Key::try_from(key)?, value, &bucket.quota).await?)
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }

    async fn delete(&mut self, handle: Resource<Bucket>, key: String) -> wasmtime::Result<Result<(), store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("delete", bucket.shown(&key));
        let result = async {
            bucket.writable()?;
            Ok(self.keyvalue.open().await?.delete(&bucket.space, &Key::try_from(key)?).await?)
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }

    async fn exists(&mut self, handle: Resource<Bucket>, key: String) -> wasmtime::Result<Result<bool, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("exists", bucket.shown(&key));
        let result = async { Ok(self.keyvalue.open().await?.exists(&bucket.space, &Key::try_from(key)?).await?) }.await;
        Ok(conclude(effect, result))
    }

    async fn list_keys(
        &mut self,
        handle: Resource<Bucket>,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<store::KeyResponse, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("list-keys", bucket.space.bucket());
        let result = async {
            let cursor = cursor.map(Cursor::try_from).transpose()?;
            let page = self.keyvalue.open().await?.list(&bucket.space, cursor, PAGE).await?;
            let keys = page.keys.into_iter().map(String::from).collect();
            Ok(store::KeyResponse { keys, cursor: page.next.map(String::from) })
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }

    async fn drop(&mut self, handle: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl atomics::Host for Capabilities {
    async fn increment(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("increment", bucket.shown(&key));
        let result = async {
            bucket.writable()?;
            Ok(self.keyvalue.open().await?.increment(&bucket.space, &Key::try_from(key)?, delta, &bucket.quota).await?)
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }

    async fn swap(&mut self, handle: Resource<Cas>, value: Vec<u8>) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Cas { bucket, key, seen } = self.table.delete(handle)?;
        let effect = self.begin_in("swap", bucket.shown(key.as_str()));
        effect.sent(value.len() as u64);
        let result = async {
            bucket.writable()?;
            Ok(self.keyvalue.open().await?.swap(&bucket.space, &key, seen.as_deref(), value, &bucket.quota).await?)
        };
        let result = result.await;
        match conclude(effect, result) {
            Ok(Swap::Done) => Ok(Ok(())),
            Ok(Swap::Lost(seen)) => {
                Ok(Err(atomics::CasError::CasFailed(self.table.push(Cas { bucket, key, seen })?)))
            }
            Err(error) => Ok(Err(atomics::CasError::StoreError(error))),
        }
    }
}

impl atomics::HostCas for Capabilities {
    async fn new(
        &mut self,
        handle: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Resource<Cas>, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("get", bucket.shown(&key));
        let result = async {
            let key = Key::try_from(key)?;
            let seen = self.keyvalue.open().await?.get(&bucket.space, &key).await?;
            Ok(Cas { bucket, key, seen })
        };
        let result = result.await;
        if let Ok(Cas { seen: Some(value), .. }) = &result {
            effect.received(value.len() as u64);
        }
        match conclude(effect, result) {
            Ok(cas) => Ok(Ok(self.table.push(cas)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn current(&mut self, handle: Resource<Cas>) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        Ok(Ok(self.table.get(&handle)?.seen.clone()))
    }

    async fn drop(&mut self, handle: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl batch::Host for Capabilities {
    async fn get_many(
        &mut self,
        handle: Resource<Bucket>,
        names: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<Option<(String, Vec<u8>)>>, store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("get-many", format!("{}, {} keys", bucket.space.bucket(), names.len()));
        let result = async {
            let keys = keys(names)?;
            let values = self.keyvalue.open().await?.get_many(&bucket.space, &keys).await?;
            Ok(keys.into_iter().zip(values).map(|(k, v)| v.map(|v| (String::from(k), v))).collect::<Vec<_>>())
        };
        let result = result.await;
        if let Ok(found) = &result {
            effect.received(found.iter().flatten().map(|(_, value)| value.len() as u64).sum());
        }
        Ok(conclude(effect, result))
    }

    async fn set_many(
        &mut self,
        handle: Resource<Bucket>,
        pairs: Vec<(String, Vec<u8>)>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("set-many", format!("{}, {} keys", bucket.space.bucket(), pairs.len()));
        effect.sent(pairs.iter().map(|(_, value)| value.len() as u64).sum());
        let result = async {
            bucket.writable()?;
            let (names, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let pairs = keys(names)?.into_iter().zip(values).collect();
            Ok(self.keyvalue.open().await?.set_many(&bucket.space, pairs, &bucket.quota).await?)
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }

    async fn delete_many(
        &mut self,
        handle: Resource<Bucket>,
        names: Vec<String>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        let bucket = self.bucket(&handle)?;
        let effect = self.begin_in("delete-many", format!("{}, {} keys", bucket.space.bucket(), names.len()));
        let result = async {
            bucket.writable()?;
            Ok(self.keyvalue.open().await?.delete_many(&bucket.space, &keys(names)?).await?)
        };
        let result = result.await;
        Ok(conclude(effect, result))
    }
}
