//! `wasi:config/store`: named values that the policy holds. Needs the grant `config`.

use cofferdam_policy::Capability;

use crate::{
    Capabilities,
    bindings::wasi::config::store::{Error, Host},
    refusal::NOT_GRANTED,
};

impl Host for Capabilities {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        let effect = self.recorder.begin(Capability::Config, "get", key.as_str());
        let Some(grant) = &self.grants.config else {
            effect.refused(NOT_GRANTED);
            return Ok(Err(Error::Upstream(NOT_GRANTED.into())));
        };
        let value = grant.values().get(&key).cloned();
        effect.allowed();
        Ok(Ok(value))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        let effect = self.recorder.begin(Capability::Config, "get-all", "");
        let Some(grant) = &self.grants.config else {
            effect.refused(NOT_GRANTED);
            return Ok(Err(Error::Upstream(NOT_GRANTED.into())));
        };
        let all = grant.values().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        effect.allowed();
        Ok(Ok(all))
    }
}
