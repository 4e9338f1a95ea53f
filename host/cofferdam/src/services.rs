//! What the host has to give, opened from the configuration.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use cofferdam_capabilities::{Disk, HostFacts, KeyValueStore, Services};
use cofferdam_egress::Egress;
use cofferdam_secrets::Secrets;

use crate::config::Reach;

/// Opens what `reach` names. What is away now is not missed before a call needs it.
///
/// # Errors
/// Settings that cannot be used, whatever is there.
pub(crate) async fn open(reach: &Reach, facts: Arc<dyn HostFacts>) -> Result<Services> {
    let egress = Egress::new(reach.egress.clone()).context("egress")?;
    let secrets = Secrets::open(reach.secrets.clone()).await?;
    let mut databases = BTreeMap::new();
    for (name, settings) in &reach.databases {
        // One that cannot be opened takes no other with it: its tools hear that it is not there.
        match cofferdam_database::open(name.as_ref(), settings).await {
            Ok(database) => {
                databases.insert(name.clone(), database);
            }
            Err(error) => tracing::error!(%error, "a database cannot be opened; its tools do without"),
        }
    }
    let keyvalue = KeyValueStore::new(reach.state.clone());
    Ok(Services { facts, egress, secrets, keyvalue, databases: Arc::new(databases), disk: Disk::default() })
}
