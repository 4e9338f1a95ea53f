use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cofferdam_capabilities::{
    Capabilities, Effects, Event, HasCapabilities, Limit, LimitHit, Masker, Services,
    exports::cofferdam::plugin::{completions, prompts, resources, tools},
    imports::plugin::types::{Context, ToolError},
};
use cofferdam_policy::Permit;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;
use wasmtime::{CallHook, Store, component::Instance};

use crate::{Engine, Failure, Prepared, meter::Meter};

/// Fuel between two points where a guest lets other tasks have its thread: about half a
/// millisecond of work.
const YIELD_EVERY: u64 = 1_000_000;

/// What a component is asked to do.
#[derive(Debug)]
pub enum Operation {
    /// Say what it offers.
    Describe,
    CallTool {
        name: String,
        arguments: String,
        context: Context,
    },
    ReadResource {
        uri: String,
        context: Context,
    },
    GetPrompt {
        name: String,
        arguments: Vec<(String, String)>,
        context: Context,
    },
    Complete {
        subject: completions::Reference,
        argument: String,
        value: String,
        others: Vec<(String, String)>,
        context: Context,
    },
}

/// Everything a component says it offers. Hostile until it was checked.
#[derive(Debug, Default)]
pub struct Definitions {
    pub tools: Vec<tools::Tool>,
    pub resources: Vec<resources::ResourceInfo>,
    pub templates: Vec<resources::ResourceTemplate>,
    pub prompts: Vec<prompts::Prompt>,
}

/// What a component answered.
#[derive(Debug)]
pub enum Reply {
    Definitions(Definitions),
    Tool(Result<tools::Outcome, ToolError>),
    Resource(Result<resources::Outcome, ToolError>),
    Prompt(Result<prompts::Outcome, ToolError>),
    Completion(Result<completions::Completion, ToolError>),
}

/// What a run cost, however it ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Fuel that was spent.
    pub fuel: u64,
    /// The most bytes of linear memory held at a time, over all memories.
    pub peak_memory: u64,
    /// Crossings from the guest into the host.
    pub host_calls: u64,
    /// From before the instance was made to the reply.
    pub took: Duration,
}

/// A run that ended.
#[derive(Debug)]
pub struct Ran {
    pub reply: Result<Reply, Failure>,
    pub usage: Usage,
    /// What the guest printed on its standard output and error: untrusted, for the log.
    pub printed: (Vec<u8>, Vec<u8>),
    /// What it did through the host.
    pub effects: Effects,
    /// What finds the secrets of this call. The reply is as the guest gave it.
    pub masker: Arc<Masker>,
}

/// A store's data: one call's.
pub(crate) struct CallState {
    capabilities: Capabilities,
    meter: Meter,
    host_calls: u64,
    most_host_calls: u64,
}

impl HasCapabilities for CallState {
    fn capabilities(&mut self) -> &mut Capabilities {
        &mut self.capabilities
    }
}

impl Prepared {
    /// Runs one operation in a fresh instance under `permit`, which it consumes.
    ///
    /// Ends by itself, by a limit of the permit, or as soon as `cancel` fires. What the guest tells
    /// while it runs goes to `events`, in order and before this returns.
    pub async fn run(
        &self,
        engine: &Engine,
        permit: Permit,
        operation: Operation,
        services: &Services,
        events: Option<Sender<Event>>,
        cancel: &CancellationToken,
    ) -> Ran {
        let began = Instant::now();
        if permit.digest() != self.digest {
            return Ran::refused(Failure::WrongPermit, began);
        }
        let limits = permit.limits();
        // The pool has as many places as there are permits in this semaphore, so that taking an
        // instance below cannot fail for want of one.
        let slot = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ran::refused(Failure::Cancelled, began),
            slot = tokio::time::timeout(limits.queue.get(), engine.slots.acquire()) => slot,
        };
        let Ok(Ok(_slot)) = slot else {
            return Ran::refused(Failure::Host("all instances are taken (`sandbox.instances`)".into()), began);
        };
        let began = Instant::now();
        let deadline = limits.deadline;
        // What was granted is opened within the call's time: a secret may have to be fetched first.
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ran::refused(Failure::Cancelled, began),
            opened = tokio::time::timeout(deadline.get(), Capabilities::open(&permit, services, events)) => opened,
        };
        let capabilities = match opened {
            Ok(Ok(capabilities)) => capabilities,
            Ok(Err(error)) => return Ran::refused(Failure::Unopened(error.to_string()), began),
            Err(_elapsed) => return Ran::refused(Failure::Limit(Limit::Deadline), began),
        };
        let mut store = match open(engine, &permit, capabilities) {
            Ok(store) => store,
            Err(error) => return Ran::refused(Failure::Host(error.to_string()), began),
        };
        let left = deadline.get().saturating_sub(began.elapsed());
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::Cancelled),
            outcome = self.within(left, &mut store, operation) => outcome,
        };
        let usage = Usage {
            fuel: limits.fuel.units().saturating_sub(store.get_fuel().unwrap_or(0)),
            peak_memory: store.data().meter.peak_memory(),
            host_calls: store.data().host_calls,
            took: began.elapsed(),
        };
        // The instance goes first, and with it all that it held open.
        let capabilities = store.into_data().capabilities;
        let (printed, masker) = (capabilities.take_printed(), capabilities.masker().clone());
        Ran { reply: outcome, usage, printed, effects: capabilities.finish(), masker }
    }

    async fn within(&self, left: Duration, store: &mut Store<CallState>, op: Operation) -> Result<Reply, Failure> {
        let done = tokio::time::timeout(left, self.perform(store, op)).await;
        match done {
            Err(_elapsed) => Err(Failure::Limit(Limit::Deadline)),
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Err(Failure::of(&error, &store.data().meter)),
        }
    }

    async fn perform(&self, store: &mut Store<CallState>, op: Operation) -> wasmtime::Result<Result<Reply, Failure>> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        let exports = &self.exports;
        let missing = |what| Ok(Err(Failure::NotOffered(what)));
        let reply = match op {
            Operation::Describe => Reply::Definitions(self.describe(store, &instance).await?),
            Operation::CallTool { name, arguments, context } => {
                let Some(indices) = &exports.tools else { return missing("tools") };
                let guest = indices.load(&mut *store, &instance)?;
                Reply::Tool(guest.call_call(store, &name, &arguments, &context).await?)
            }
            Operation::ReadResource { uri, context } => {
                let Some(indices) = &exports.resources else { return missing("resources") };
                let guest = indices.load(&mut *store, &instance)?;
                Reply::Resource(guest.call_read(store, &uri, &context).await?)
            }
            Operation::GetPrompt { name, arguments, context } => {
                let Some(indices) = &exports.prompts else { return missing("prompts") };
                let guest = indices.load(&mut *store, &instance)?;
                Reply::Prompt(guest.call_get(store, &name, &arguments, &context).await?)
            }
            Operation::Complete { subject, argument, value, others, context } => {
                let Some(indices) = &exports.completions else { return missing("completions") };
                let guest = indices.load(&mut *store, &instance)?;
                Reply::Completion(guest.call_complete(store, &subject, &argument, &value, &others, &context).await?)
            }
        };
        Ok(Ok(reply))
    }

    async fn describe(&self, store: &mut Store<CallState>, instance: &Instance) -> wasmtime::Result<Definitions> {
        let mut all = Definitions::default();
        if let Some(indices) = &self.exports.tools {
            all.tools = indices.load(&mut *store, instance)?.call_list(&mut *store).await?;
        }
        if let Some(indices) = &self.exports.resources {
            let guest = indices.load(&mut *store, instance)?;
            all.resources = guest.call_list(&mut *store).await?;
            all.templates = guest.call_templates(&mut *store).await?;
        }
        if let Some(indices) = &self.exports.prompts {
            all.prompts = indices.load(&mut *store, instance)?.call_list(&mut *store).await?;
        }
        if let Some(indices) = &self.exports.completions {
            // Nothing to list; its types are checked all the same.
            indices.load(&mut *store, instance)?;
        }
        Ok(all)
    }
}

fn open(engine: &Engine, permit: &Permit, capabilities: Capabilities) -> wasmtime::Result<Store<CallState>> {
    let limits = permit.limits();
    let state =
        CallState { capabilities, meter: Meter::new(limits), host_calls: 0, most_host_calls: limits.host_calls };
    let mut store = Store::new(&engine.inner, state);
    store.set_fuel(limits.fuel.units())?;
    store.fuel_async_yield_interval(Some(YIELD_EVERY))?;
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(limits.host_call_bytes.as_usize());
    store.set_max_component_handles(limits.handles as usize);
    // Cheap for a guest and dear for the host: a crossing costs a dozen units of fuel and a quarter
    // of a microsecond, so fuel alone would allow seconds of them.
    store.call_hook(|mut state, hook| {
        if matches!(hook, CallHook::CallingHost) {
            let state = state.data_mut();
            state.host_calls += 1;
            if state.host_calls > state.most_host_calls {
                return Err(LimitHit(Limit::HostCalls).into());
            }
        }
        Ok(())
    });
    Ok(store)
}

impl Ran {
    fn refused(failure: Failure, began: Instant) -> Self {
        let usage = Usage { took: began.elapsed(), ..Usage::default() };
        Self {
            reply: Err(failure),
            usage,
            printed: (Vec::new(), Vec::new()),
            effects: Effects::default(),
            masker: Masker::nothing(),
        }
    }
}
