use std::{collections::BTreeMap, fmt, sync::Arc};

use cofferdam_database::Database;
use cofferdam_egress::Egress;
use cofferdam_policy::DatabaseName;
use cofferdam_secrets::Secrets;
use cofferdam_state::{KeyValue, StateSettings};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::{HostFacts, filesystem::Disk};

/// What the host has to give: made once, shared by all calls, reached only through a grant.
#[derive(Clone)]
pub struct Services {
    /// The state of the host.
    pub facts: Arc<dyn HostFacts>,
    /// The way out.
    pub egress: Egress,
    pub secrets: Secrets,
    /// Where keys and values are.
    pub keyvalue: KeyValueStore,
    /// The databases that the configuration names.
    pub databases: Arc<BTreeMap<DatabaseName, Database>>,
    /// How much granted directories hold.
    pub disk: Disk,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("databases", &self.databases.keys()).finish_non_exhaustive()
    }
}

/// Where keys and values are, opened when they are first asked for: most hosts have no tool that
/// does, and a store that is away must not keep the others from serving.
#[derive(Clone, Debug)]
pub struct KeyValueStore {
    settings: Arc<Result<StateSettings, String>>,
    opened: Arc<OnceCell<Arc<dyn KeyValue>>>,
}

/// There is no store to keep anything in. For the operator.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct StoreAway(String);

impl KeyValueStore {
    /// A store by its settings, or why there are none.
    pub fn new(settings: Result<StateSettings, String>) -> Self {
        Self { settings: Arc::new(settings), opened: Arc::default() }
    }

    /// The store, opened now when it was not before.
    ///
    /// # Errors
    /// When it cannot be opened; the next time is another try.
    pub async fn open(&self) -> Result<&Arc<dyn KeyValue>, StoreAway> {
        let open = async || match &*self.settings {
            Ok(settings) => cofferdam_state::open(settings).await.map_err(|error| StoreAway(error.to_string())),
            Err(why) => Err(StoreAway(why.clone())),
        };
        self.opened.get_or_try_init(open).await
    }
}
