//! What the host has to give, opened from the configuration.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use cofferdam_capabilities::{Disk, HostFacts, KeyValueStore, Services};
use cofferdam_database::Database;
use cofferdam_egress::Egress;
use cofferdam_policy::DatabaseName;
use cofferdam_secrets::Secrets;

use crate::config::{DatabaseSource, Reach};

/// Opens what `reach` names. What is away now is not missed before a call needs it.
///
/// # Errors
/// Settings that cannot be used, whatever is there.
pub(crate) async fn open(reach: &Reach, facts: Arc<dyn HostFacts>) -> Result<Services> {
    let egress = Egress::new(reach.egress.clone()).context("egress")?;
    let secrets = Secrets::open(reach.secrets.clone()).await?;
    let mut databases = BTreeMap::new();
    for (name, source) in &reach.databases {
        // One that cannot be opened takes no other with it: its tools hear that it is not there.
        match opened(name, source).await {
            Ok(database) => {
                databases.insert(name.clone(), database);
            }
            Err(error) => tracing::error!("database {name}: {error:#}; its tools do without until the next start"),
        }
    }
    let state = reach.state.settings().map_err(|error| format!("{error:#}"));
    if let Err(error) = &state {
        tracing::error!("{error}; tools do without their keys and values until the next start");
    }
    let keyvalue = KeyValueStore::new(state);
    Ok(Services { facts, egress, secrets, keyvalue, databases: Arc::new(databases), disk: Disk::default() })
}

async fn opened(name: &DatabaseName, source: &DatabaseSource) -> Result<Database> {
    Ok(cofferdam_database::open(name.as_ref(), &source.settings()?).await?)
}
