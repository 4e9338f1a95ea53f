//! The sections of `cofferdam.toml` that say what there is to be granted: the way out, secrets,
//! databases, and where keys and values are kept. Who gets what of it is the policy's to say.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cofferdam_database::{ConnectionUrl, Create, DatabaseSettings, Tls};
use cofferdam_egress::EgressSettings;
use cofferdam_policy::{DatabaseName, HttpGrant, Policy, SecretName, SecretsGrant, Span, SqlGrant};
use cofferdam_secrets::{SecretsSettings, Source, VaultAuth, VaultSettings};
use cofferdam_state::StateSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// What there is to be granted, with every path made absolute.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) egress: EgressSettings,
    pub(crate) secrets: SecretsSettings,
    pub(crate) state: StateSource,
    pub(crate) databases: BTreeMap<DatabaseName, DatabaseSource>,
}

/// Where a URL is that may hold a password. It is looked up by those who connect, not by every
/// command that reads the configuration.
#[derive(Clone, Debug)]
pub(crate) enum UrlSource {
    Text(String),
    File(PathBuf),
    /// A variable of the environment, as it was when the configuration was read.
    Variable(String, Option<String>),
}

/// A database, before it is known where.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseSource {
    Sqlite { file: PathBuf, create: Create },
    Postgres { url: UrlSource, ca_file: Option<PathBuf>, tls: Tls, pool: u32, connect_timeout: Span },
}

/// Where keys and values are, before that is known.
#[derive(Clone, Debug)]
pub(crate) enum StateSource {
    Embedded { file: PathBuf },
    Redis { url: UrlSource, prefix: String, ca_file: Option<PathBuf>, timeout: Span },
}

impl UrlSource {
    fn read(&self) -> Result<String> {
        match self {
            Self::Text(url) => Ok(url.clone()),
            Self::File(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("url_file: cannot read {}", file.display()))?;
                Ok(text.trim().to_owned())
            }
            Self::Variable(name, value) => {
                value.clone().with_context(|| format!("url_variable: the variable {name} is not set"))
            }
        }
    }
}

impl DatabaseSource {
    pub(crate) fn settings(&self) -> Result<DatabaseSettings> {
        Ok(match self {
            Self::Sqlite { file, create } => DatabaseSettings::Sqlite { file: file.clone(), create: *create },
            Self::Postgres { url, ca_file, tls, pool, connect_timeout } => DatabaseSettings::Postgres {
                url: ConnectionUrl::new(url.read()?),
                ca_file: ca_file.clone(),
                tls: *tls,
                pool: *pool,
                connect_timeout: connect_timeout.get(),
            },
        })
    }
}

impl StateSource {
    pub(crate) fn settings(&self) -> Result<StateSettings> {
        Ok(match self {
            Self::Embedded { file } => StateSettings::Embedded { file: file.clone() },
            Self::Redis { url, prefix, ca_file, timeout } => StateSettings::Redis {
                url: url.read().context("state.redis")?,
                prefix: prefix.clone(),
                ca_file: ca_file.clone(),
                timeout: timeout.get(),
            },
        })
    }
}

impl Reach {
    /// What the policy grants and these settings do not have: a sentence for each.
    pub(crate) fn missing(&self, policy: &Policy) -> BTreeSet<String> {
        let mut missing = BTreeSet::new();
        for (plugin, grants) in policy.all_grants() {
            for name in grants
                .http
                .iter()
                .flat_map(HttpGrant::secrets)
                .chain(grants.secrets.iter().flat_map(SecretsGrant::names))
            {
                if !self.secrets.secrets.contains_key(name) {
                    missing.insert(format!(
                        "the policy grants {plugin} the secret {name}, which is not configured: say in [secret.{name}] where it comes from"
                    ));
                }
            }
            for rule in grants.sql.iter().flat_map(SqlGrant::databases) {
                let name = &rule.database;
                if !self.databases.contains_key(name) {
                    missing.insert(format!(
                        "the policy grants {plugin} the database {name}, which is not configured: say in [database.{name}] where it is"
                    ));
                }
            }
        }
        missing
    }
}

/// The sections, as they are written.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) egress: Egress,
    pub(super) vault: Option<Vault>,
    pub(super) secrets: SecretsSection,
    pub(super) secret: BTreeMap<SecretName, SecretEntry>,
    pub(super) state: State,
    pub(super) database: BTreeMap<DatabaseName, DatabaseEntry>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Egress {
    /// Certificate authorities, in PEM, that count beside the public ones.
    ca_files: Vec<PathBuf>,
    /// Name servers, such as "10.0.0.53:53". The machine's own when empty.
    dns: Vec<SocketAddr>,
    /// How long connecting may take, name and TLS included. Default 10s.
    connect_timeout: Span,
    /// How long an unused connection is kept. Default 90s.
    idle: Span,
    /// Connections open for one plugin and tenant. Default 32.
    connections_per_plugin: u32,
    /// Connections open at all. Default 512.
    connections: u32,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            dns: Vec::new(),
            connect_timeout: Span::secs(10),
            idle: Span::secs(90),
            connections_per_plugin: 32,
            connections: 512,
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Vault {
    /// Where Vault or OpenBao is, such as "https://vault.example.com:8200".
    #[schemars(with = "String")]
    address: Url,
    /// A file with a token; it is read again when it changes.
    token_file: Option<PathBuf>,
    /// A variable of the environment with a token.
    token_variable: Option<String>,
    /// Login by the service account of a pod.
    kubernetes: Option<Kubernetes>,
    /// The namespace, where there are several.
    namespace: Option<String>,
    /// Certificate authorities, in PEM, that count beside those of the machine.
    ca_file: Option<PathBuf>,
    /// How long reading one secret may take. Default 10s.
    #[serde(default = "vault_timeout")]
    timeout: Span,
}

fn vault_timeout() -> Span {
    Span::secs(10)
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kubernetes {
    /// The role to log in as.
    role: String,
    /// Where that login is mounted. Default kubernetes.
    #[serde(default = "kubernetes_mount")]
    mount: String,
    /// The service account's token. Default: where Kubernetes mounts it.
    #[serde(default = "service_account")]
    jwt_file: PathBuf,
}

fn kubernetes_mount() -> String {
    "kubernetes".into()
}

fn service_account() -> PathBuf {
    "/var/run/secrets/kubernetes.io/serviceaccount/token".into()
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SecretsSection {
    /// How often files and Vault are looked at. Default 30s.
    refresh: Span,
}

impl Default for SecretsSection {
    fn default() -> Self {
        Self { refresh: Span::secs(30) }
    }
}

/// Where one secret comes from: one of the three.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretEntry {
    /// A variable of the environment, such as "GITHUB_TOKEN".
    variable: Option<String>,
    /// A file, such as one that Kubernetes mounts; read again when it changes.
    file: Option<PathBuf>,
    /// A field of a secret in Vault or OpenBao.
    vault: Option<VaultField>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VaultField {
    /// The secret's path within the engine, such as "github/bot".
    path: String,
    /// Which of its fields.
    field: String,
    /// Where the engine (KV version 2) is mounted. Default secret.
    #[serde(default = "vault_mount")]
    mount: String,
}

fn vault_mount() -> String {
    "secret".into()
}

/// Where keys and values are kept.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct State {
    /// The file of the store that is built in. Default: state.db beside the lock.
    file: Option<PathBuf>,
    /// Redis or Valkey instead, shared by all replicas.
    redis: Option<Redis>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Redis {
    /// Such as "redis://127.0.0.1:6379/0" or "rediss://…" for TLS. Where it has a password: see the
    /// other two.
    url: Option<String>,
    /// A file with the URL.
    url_file: Option<PathBuf>,
    /// A variable of the environment with the URL.
    url_variable: Option<String>,
    /// What all keys begin with. Default cofferdam.
    #[serde(default = "prefix")]
    prefix: String,
    /// Certificate authorities, in PEM, for rediss.
    ca_file: Option<PathBuf>,
    /// How long one operation may take. Default 5s.
    #[serde(default = "redis_timeout")]
    timeout: Span,
}

fn prefix() -> String {
    "cofferdam".into()
}

fn redis_timeout() -> Span {
    Span::secs(5)
}

/// A database: one of the two.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatabaseEntry {
    /// A file of SQLite.
    sqlite: Option<Sqlite>,
    /// A server.
    postgres: Option<Postgres>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sqlite {
    /// The file.
    file: PathBuf,
    /// Whether it is made where there is none. Default false.
    #[serde(default)]
    create: bool,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Postgres {
    /// Such as "postgres://tools@db.example.com/main". Where it has a password: see the other two.
    url: Option<String>,
    /// A file with the URL.
    url_file: Option<PathBuf>,
    /// A variable of the environment with the URL.
    url_variable: Option<String>,
    /// Certificate authorities, in PEM, instead of the public ones.
    ca_file: Option<PathBuf>,
    /// required, or off for a server on this machine. Default required.
    #[serde(default)]
    tls: PostgresTls,
    /// Connections open at a time. Default 8.
    #[serde(default = "pool")]
    pool: u32,
    /// How long connecting may take. Default 5s.
    #[serde(default = "connect_timeout")]
    connect_timeout: Span,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum PostgresTls {
    #[default]
    Required,
    Off,
}

fn pool() -> u32 {
    8
}

fn connect_timeout() -> Span {
    Span::secs(5)
}

/// Where a URL that may hold a password is said to be: in one of the three places.
fn one_url(
    what: &str,
    base: &Path,
    (url, file, variable): (Option<String>, Option<PathBuf>, Option<String>),
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<UrlSource> {
    match (url, file, variable) {
        (Some(url), None, None) => Ok(UrlSource::Text(url)),
        (None, Some(file), None) => Ok(UrlSource::File(base.join(file))),
        (None, None, Some(name)) => {
            let value = environment(&name);
            Ok(UrlSource::Variable(name, value))
        }
        _ => bail!("{what}: say where it is with one of url, url_file and url_variable"),
    }
}

impl Sections {
    /// What the sections say. `lock` is where the lock lies; `environment` looks up a variable.
    pub(super) fn resolve(
        self,
        base: &Path,
        lock: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Reach> {
        let Self { egress, vault, secrets, secret, state, database } = self;
        let egress = EgressSettings {
            ca_files: egress.ca_files.iter().map(|f| base.join(f)).collect(),
            dns: egress.dns,
            connect_timeout: egress.connect_timeout.get(),
            idle: egress.idle.get(),
            connections_per_pool: egress.connections_per_plugin as usize,
            connections: egress.connections as usize,
            ..EgressSettings::default()
        };
        let secrets = SecretsSettings {
            secrets: secret
                .into_iter()
                .map(|(name, entry)| Ok((name.clone(), entry.source(&name, base)?)))
                .collect::<Result<_>>()?,
            vault: vault.map(|v| v.resolve(base)).transpose()?,
            refresh: secrets.refresh.get(),
        };
        let state = match (state.redis, state.file) {
            (Some(_), Some(_)) => bail!("state: it is kept in a file or in Redis; say one of the two"),
            (Some(redis), None) => StateSource::Redis {
                url: one_url("state.redis", base, (redis.url, redis.url_file, redis.url_variable), environment)?,
                prefix: redis.prefix,
                ca_file: redis.ca_file.map(|f| base.join(f)),
                timeout: redis.timeout,
            },
            (None, file) => {
                let beside = || lock.parent().unwrap_or(base).join("state.db");
                StateSource::Embedded { file: file.map_or_else(beside, |f| base.join(f)) }
            }
        };
        let databases = database
            .into_iter()
            .map(|(name, entry)| Ok((name.clone(), entry.resolve(&name, base, environment)?)))
            .collect::<Result<_>>()?;
        Ok(Reach { egress, secrets, state, databases })
    }
}

impl SecretEntry {
    fn source(self, name: &SecretName, base: &Path) -> Result<Source> {
        match (self.variable, self.file, self.vault) {
            (Some(variable), None, None) => Ok(Source::Environment { variable }),
            (None, Some(file), None) => Ok(Source::File { path: base.join(file) }),
            (None, None, Some(VaultField { path, field, mount })) => Ok(Source::Vault { path, mount, field }),
            _ => bail!("secret.{name}: say where it comes from with one of variable, file and vault"),
        }
    }
}

impl Vault {
    fn resolve(self, base: &Path) -> Result<VaultSettings> {
        let auth = match (self.token_file, self.token_variable, self.kubernetes) {
            (Some(file), None, None) => VaultAuth::TokenFile(base.join(file)),
            (None, Some(variable), None) => VaultAuth::TokenVariable(variable),
            (None, None, Some(Kubernetes { role, mount, jwt_file })) => {
                VaultAuth::Kubernetes { role, mount, jwt_file: base.join(jwt_file) }
            }
            _ => bail!("vault: say who asks with one of token_file, token_variable and kubernetes"),
        };
        Ok(VaultSettings {
            address: self.address,
            auth,
            namespace: self.namespace,
            ca_file: self.ca_file.map(|f| base.join(f)),
            timeout: self.timeout.get(),
        })
    }
}

impl DatabaseEntry {
    fn resolve(
        self,
        name: &DatabaseName,
        base: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<DatabaseSource> {
        match (self.sqlite, self.postgres) {
            (Some(Sqlite { file, create }), None) => Ok(DatabaseSource::Sqlite {
                file: base.join(file),
                create: if create { Create::IfMissing } else { Create::Never },
            }),
            (None, Some(p)) => {
                let what = format!("database.{name}.postgres");
                Ok(DatabaseSource::Postgres {
                    url: one_url(&what, base, (p.url, p.url_file, p.url_variable), environment)?,
                    ca_file: p.ca_file.map(|f| base.join(f)),
                    tls: match p.tls {
                        PostgresTls::Required => Tls::Required,
                        PostgresTls::Off => Tls::Off,
                    },
                    pool: p.pool,
                    connect_timeout: p.connect_timeout,
                })
            }
            _ => bail!("database.{name}: say what it is with one of sqlite and postgres"),
        }
    }
}
