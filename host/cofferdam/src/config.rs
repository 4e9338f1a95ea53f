//! `cofferdam.toml`: how the host runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cofferdam_catalog::Settings as KeeperSettings;
use cofferdam_policy::{Bytes, DatabaseName, Document, PluginName, SecretName, Span};
use cofferdam_registry::{Reference, RegistrySettings};
use cofferdam_telemetry::LogFormat;
use cofferdam_transport::http::HttpSettings;
use cofferdam_trust::Digest;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

mod reach;

pub(crate) use reach::{DatabaseSource, Reach};

const FILE: &str = "cofferdam.toml";
/// Environment variables that begin so and name a section and a key, with [`BETWEEN`] between
/// them, override a setting. Others are something else's: Kubernetes sets `COFFERDAM_SERVICE_HOST`
/// and more of the kind in every pod beside a service of this name.
const PREFIX: &str = "COFFERDAM_";
const BETWEEN: &str = "__";

/// The settings, with every path made absolute.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file they came from, if there was one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) http: Http,
    pub(crate) plugins: Plugins,
    pub(crate) registry: RegistrySettings,
    pub(crate) cache: PathBuf,
    /// Where copies of what was approved are.
    pub(crate) store: PathBuf,
    pub(crate) instances: u32,
    pub(crate) page: usize,
    pub(crate) log: Log,
    /// What there is to be granted.
    pub(crate) reach: Reach,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cofferdam configuration")]
struct ConfigFile {
    /// Version of this format: 1.
    #[serde(rename = "version")]
    _version: u32,
    /// The HTTP listener.
    #[serde(default)]
    http: Http,
    /// Where plugins come from, and what is decided about them.
    #[serde(default)]
    plugins: Plugins,
    /// How registries are spoken to.
    #[serde(default)]
    registry: Registries,
    /// Machine code that is kept between runs.
    #[serde(default)]
    cache: Cache,
    /// Where components run.
    #[serde(default)]
    sandbox: Sandbox,
    /// How the protocol is spoken.
    #[serde(default)]
    mcp: Mcp,
    /// What the host writes to standard error.
    #[serde(default)]
    log: Log,
    /// How tools' requests leave this machine.
    #[serde(default)]
    egress: reach::Egress,
    /// Where Vault or OpenBao is.
    vault: Option<reach::Vault>,
    /// What concerns all secrets.
    #[serde(default)]
    secrets: reach::SecretsSection,
    /// Secrets that the policy can attach to requests, by name.
    #[serde(default)]
    secret: BTreeMap<SecretName, reach::SecretEntry>,
    /// Where keys and values of plugins are kept.
    #[serde(default)]
    state: reach::State,
    /// Databases that the policy can grant, by name.
    #[serde(default)]
    database: BTreeMap<DatabaseName, reach::DatabaseEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Address and port. Default 127.0.0.1:3000.
    pub(crate) listen: SocketAddr,
    /// Hosts that are served beside loopback, such as "mcp.example.com".
    pub(crate) allowed_hosts: Vec<String>,
    /// Origins whose pages are served beside loopback's, such as "https://app.example.com:443".
    pub(crate) allowed_origins: Vec<String>,
    /// Bytes of a request. Default 4MiB.
    pub(crate) max_body: Bytes,
    /// Open sessions of older clients. Default 1000.
    pub(crate) max_sessions: u32,
    /// Requests and streams open at a time. Default 2000.
    pub(crate) max_streams: u32,
    /// How long calls may take to finish once the host is told to end. Default 30s.
    pub(crate) grace: Span,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_body: Bytes::mib(4),
            max_sessions: 1000,
            max_streams: 2000,
            grace: Span::secs(30),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plugins {
    /// Directories that components are dropped into. Default ["plugins"].
    pub(crate) directories: Vec<PathBuf>,
    /// Plugins that come from registries.
    pub(crate) oci: Vec<Remote>,
    /// How often it is looked where their tags lead. Default 5m.
    pub(crate) poll: Span,
    /// Where copies of what was approved are kept, to serve from when a file is replaced or a registry
    /// is away. Default: beside the cache.
    pub(crate) store: Option<PathBuf>,
    /// The policy. Default policy.toml.
    pub(crate) policy: PathBuf,
    /// The lock. Default cofferdam.lock.
    pub(crate) lock: PathBuf,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            directories: vec!["plugins".into()],
            oci: Vec::new(),
            poll: Span::secs(300),
            store: None,
            policy: "policy.toml".into(),
            lock: "cofferdam.lock".into(),
        }
    }
}

/// One plugin in a registry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remote {
    /// What the plugin is called here.
    pub(crate) name: PluginName,
    /// Where it is, such as "oci://registry.example.com/acme/github:1" or the same with @sha256:…
    pub(crate) reference: Reference,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Registries {
    /// Registries, as host or host:port, that are spoken to without TLS beside those on loopback.
    plain_http: Vec<String>,
    /// Certificate authorities, in PEM, that count beside those of the machine.
    ca_file: Option<PathBuf>,
    /// How long one request may take. Default 30s.
    timeout: Span,
    /// How often a request is made in all while a registry does not answer. Default 3.
    attempts: u32,
}

impl Default for Registries {
    fn default() -> Self {
        let RegistrySettings { plain_http, ca_file, timeout, attempts } = RegistrySettings::default();
        Self { plain_http, ca_file, timeout: Span::secs(timeout.as_secs()), attempts }
    }
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Cache {
    /// The directory. Default: cofferdam in the user's cache directory.
    directory: Option<PathBuf>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Sandbox {
    /// Calls that run at the same time, over all tools. Default 64.
    instances: u32,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { instances: 64 }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Mcp {
    /// Entries of one page of a listing. Default 200.
    page: u32,
}

impl Default for Mcp {
    fn default() -> Self {
        Self { page: 200 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// error, warn, info, debug or trace, or directives such as "info,guest=debug". Default info.
    pub(crate) level: String,
    /// auto, human or json. Default auto: for people on a terminal, JSON otherwise.
    pub(crate) format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Auto }
    }
}

impl Config {
    /// Reads the settings: the file that was named, or the one that is found, or the defaults; and
    /// over them the environment.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        Self::load_with(
            named,
            &mut env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    fn load_with(named: Option<&Path>, vars: &mut dyn Iterator<Item = (String, String)>) -> Result<Self> {
        let vars: Vec<_> = vars.collect();
        let value = |key: &str| vars.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone()).filter(|v| !v.is_empty());
        let home = value("HOME").map(PathBuf::from);
        let file = match named {
            Some(file) => Some(file.to_owned()),
            None => {
                let of_user =
                    value("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|h| h.join(".config")));
                let user = of_user.map(|d| d.join("cofferdam").join(FILE));
                [Some(PathBuf::from(FILE)), user].into_iter().flatten().find(|f| f.is_file())
            }
        };
        let (text, base) = match &file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                let file = std::path::absolute(file)?;
                (text, file.parent().map(Path::to_owned).unwrap_or_default())
            }
            None => ("version = 1\n".to_owned(), env::current_dir()?),
        };
        let shown = file.as_deref().unwrap_or(Path::new(FILE)).display().to_string();
        let mut document = Document::parse(&shown, &text, &schema_for!(ConfigFile))?;
        for (name, value) in &vars {
            if let Some(path) = name.strip_prefix(PREFIX).filter(|rest| rest.contains(BETWEEN)) {
                let path = path.to_ascii_lowercase();
                document.set(name, &path.split(BETWEEN).collect::<Vec<_>>(), value)?;
            }
        }
        let written: ConfigFile = document.into_value()?;
        let counts = [
            ("sandbox.instances", written.sandbox.instances, 10_000),
            ("mcp.page", written.mcp.page, 10_000),
            ("registry.attempts", written.registry.attempts, 10),
            ("http.max_sessions", written.http.max_sessions, 1_000_000),
            ("http.max_streams", written.http.max_streams, 1_000_000),
        ];
        if let Some((key, value, most)) = counts.into_iter().find(|(_, value, most)| *value == 0 || value > most) {
            bail!("{shown}: {key}: {value} is out of range: 1 to {most}");
        }
        let of_user = || value("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| home.map(|h| h.join(".cache")));
        let cache = match written.cache.directory {
            Some(directory) => base.join(directory),
            None => of_user()
                .context("there is no home directory: set `cache.directory` in cofferdam.toml")?
                .join("cofferdam"),
        };
        if written.plugins.poll < Span::secs(1) {
            bail!("{shown}: plugins.poll: {} is out of range: at least 1s", written.plugins.poll);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = written.plugins.oci.iter().find(|r| !names.insert(&r.name)) {
            bail!("{shown}: plugins.oci: {} is there twice", twice.name);
        }
        let lock = base.join(written.plugins.lock);
        // Copies belong to a lock: of two hosts of one user, neither drops what the other approved.
        let store = match &written.plugins.store {
            Some(directory) => base.join(directory),
            None => cache.join("approved").join(Digest::of(lock.as_os_str().as_encoded_bytes()).short()),
        };
        let plugins = Plugins {
            directories: written.plugins.directories.iter().map(|d| base.join(d)).collect(),
            oci: written.plugins.oci,
            poll: written.plugins.poll,
            store: None,
            policy: base.join(written.plugins.policy),
            lock,
        };
        let registry = RegistrySettings {
            plain_http: written.registry.plain_http,
            ca_file: written.registry.ca_file.map(|f| base.join(f)),
            timeout: written.registry.timeout.get(),
            attempts: written.registry.attempts,
        };
        let sections = reach::Sections {
            egress: written.egress,
            vault: written.vault,
            secrets: written.secrets,
            secret: written.secret,
            state: written.state,
            database: written.database,
        };
        let reach = sections.resolve(&base, &plugins.lock, &value).with_context(|| shown.clone())?;
        Ok(Self {
            reach,
            file: file.map(std::path::absolute).transpose()?,
            http: written.http,
            plugins,
            registry,
            cache,
            store,
            instances: written.sandbox.instances,
            page: written.mcp.page as usize,
            log: written.log,
        })
    }

    pub(crate) fn keeper(&self, polls_at_once: bool) -> KeeperSettings {
        let Plugins { directories, oci, poll, store: _, policy, lock } = self.plugins.clone();
        let remotes = oci.into_iter().map(|r| (r.name, r.reference)).collect();
        KeeperSettings { directories, remotes, poll: poll.get(), policy, lock, polls_at_once }
    }

    pub(crate) fn transport(&self) -> Result<HttpSettings> {
        let Http { allowed_hosts, allowed_origins, max_body, max_sessions, max_streams, grace, listen: _ } = &self.http;
        Ok(HttpSettings {
            allowed_hosts: allowed_hosts
                .iter()
                .map(|h| h.parse())
                .collect::<Result<_, _>>()
                .context("http.allowed_hosts")?,
            allowed_origins: allowed_origins
                .iter()
                .map(|o| o.parse())
                .collect::<Result<_, _>>()
                .context("http.allowed_origins")?,
            max_body: max_body.as_usize(),
            max_sessions: *max_sessions as usize,
            max_streams: *max_streams as usize,
            grace: grace.get(),
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, vars: &[(&str, &str)]) -> Result<Config> {
        let home = env::temp_dir().join(format!("cofferdam-config-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&home)?;
        let file = home.join(FILE);
        std::fs::write(&file, text)?;
        let mut vars: Vec<_> = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        vars.push(("HOME".into(), "/home/someone".into()));
        let config = Config::load_with(Some(&file), &mut vars.into_iter());
        std::fs::remove_dir_all(home)?;
        config
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = load("version = 1\n[plugins]\ndirectories = [\"p\", \"/abs\"]\n", &[]).unwrap();
        let base = config.file.as_ref().unwrap().parent().unwrap();
        assert_eq!(config.plugins.directories, [base.join("p"), PathBuf::from("/abs")]);
        assert_eq!(config.plugins.policy, base.join("policy.toml"));
        assert_eq!(config.cache, Path::new("/home/someone/.cache/cofferdam"));
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let vars = [
            ("COFFERDAM_HTTP__LISTEN", "127.0.0.1:9"),
            ("COFFERDAM_SANDBOX__INSTANCES", "7"),
            ("COFFERDAM_SERVICE_HOST", "x"),
        ];
        let config = load("version = 1\n[http]\nlisten = \"127.0.0.1:8\"\n", &vars).unwrap();
        assert_eq!((config.http.listen.port(), config.instances), (9, 7));
    }

    #[test]
    fn plugins_come_from_registries_under_names_of_their_own() {
        let one = "[[plugins.oci]]\nname = \"github\"\nreference = \"oci://registry.example.com/acme/github:1\"\n";
        let config = load(&format!("version = 1\n[plugins]\npoll = \"10s\"\n{one}"), &[]).unwrap();
        let keeper = config.keeper(true);
        assert_eq!(keeper.poll, std::time::Duration::from_secs(10));
        assert_eq!(keeper.remotes[0].0.as_str(), "github");
        let error = |text: &str| format!("{:#}", load(text, &[]).unwrap_err());
        assert!(error(&format!("version = 1\n{one}{one}")).contains("plugins.oci: github is there twice"));
        assert!(error("version = 1\nplugins.poll = \"10ms\"\n").contains("at least 1s"));
        let untagged = one.replace(":1\"", "\"");
        let said = error(&format!("version = 1\n{untagged}"));
        assert!(said.contains(":TAG"), "{said}");
    }

    #[test]
    fn copies_belong_to_a_lock() {
        let stores: Vec<PathBuf> = (0..2).map(|_| load("version = 1\n", &[]).unwrap().store).collect();
        assert_ne!(stores[0], stores[1], "two hosts of one user");
    }

    #[test]
    fn mistakes_name_the_nearest_key() {
        let error = |text: &str, vars: &[(&str, &str)]| format!("{:#}", load(text, vars).unwrap_err());
        assert!(
            error("version = 1\n[http]\nlisen = \"x\"\n", &[])
                .ends_with("cofferdam.toml:3:1: http.lisen: unknown key; did you mean `listen`?")
        );
        assert_eq!(
            error("version = 1\n", &[("COFFERDAM_HTTP__LISEN", "x")]),
            "COFFERDAM_HTTP__LISEN:http.lisen: unknown key; did you mean `listen`?"
        );
        assert!(error("version = 1\n[sandbox]\ninstances = 0\n", &[]).contains("sandbox.instances: 0 is out of range"));
        assert!(error("version = 1\n[http]\nlisten = \"nowhere\"\n", &[]).contains("invalid socket address"));
        let config = load("version = 1\n[http]\nallowed_hosts = [\"*\"]\n", &[]).unwrap();
        assert!(format!("{:#}", config.transport().unwrap_err()).contains("\"*\" is no host"));
    }
}
