//! Each kind of request, from name to answer.

use std::sync::Arc;

use cofferdam_capabilities::{
    Effect, Effects, Limit, Masker, Verdict,
    exports::cofferdam::plugin::{
        completions::{Completion, Reference},
        prompts::{self, PromptResult},
        resources, tools,
    },
    imports::plugin::types::{ClientFeatures, Content, ResourceContents, ToolError},
};
use cofferdam_catalog::{Catalog, Plugin};
use cofferdam_policy::{Limits, Permit, Target};
use cofferdam_sandbox::{Operation, Ran, Reply, Usage};
use serde_json::{Map, Value};
use tracing::Instrument;

use crate::{
    Answer, Asked, CallError, Called, Caller, Code, Completing, Failed, Gate, Round, SealedState, check, mask,
    seal::{Binding, LARGEST, Sealer},
};

/// The most values a completion may offer, says the protocol.
const MOST_COMPLETIONS: usize = 100;
/// What of a guest's output is kept in the log.
const PRINTED: usize = 2000;

/// What of them is told.
const LAST_WORDS: usize = 500;

/// A run that ended, and what the caller may know of it.
struct Ended {
    reply: Result<Reply, CallError>,
    usage: Usage,
    effects: Effects,
    masker: Arc<Masker>,
}

/// A tool's content and structured content.
type ToolAnswer = (Vec<Content>, Option<Value>);

impl Gate {
    /// Calls a tool.
    pub async fn call_tool(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Map<String, Value>,
        round: &Round,
    ) -> Called<Answer<ToolAnswer>> {
        let _inside = self.enter();
        self.tool(caller, name, arguments, round).instrument(caller.span()).await
    }

    async fn tool(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Map<String, Value>,
        round: &Round,
    ) -> Called<Answer<ToolAnswer>> {
        let catalog = self.catalog().await;
        let Some(tool) = catalog.tools.get(name) else {
            return self.recorded(caller, "tool", name, None, Called::refused(unknown("tool", name)));
        };
        let plugin = tool.plugin.clone();
        let called = async {
            let permit = permit(&catalog, caller, tool.target.clone(), &plugin, "tool", name)?;
            let limits = permit.limits().clone();
            let arguments = Value::Object(arguments);
            let text = arguments.to_string();
            let arguments = self.arguments(&tool.definition, arguments, text.len(), limits.deadline).await?;
            let binding = Binding::new(&caller.principal, name, plugin.digest, &arguments);
            let context = self.context(caller, round, &binding)?;
            let _place = tokio::select! {
                biased;
                () = caller.cancel.cancelled() => return Err(CallError::Cancelled),
                place = tokio::time::timeout(limits.queue.get(), tool.slots.clone().acquire_owned()) => {
                    let busy = || Failed::limit(Limit::Concurrency, &format!(": as many calls run as may, {}; try again", limits.concurrency));
                    place.ok().and_then(Result::ok).ok_or_else(busy)?
                }
            };
            let name = tool.definition.name.to_string();
            let operation = Operation::CallTool { name, arguments: text, context };
            let Ended { reply, usage, effects, masker } = self.run(caller, &plugin, permit, operation, &limits).await;
            let parsed = reply.and_then(|reply| match reply {
                Reply::Tool(Ok(tools::Outcome::Complete(result))) => {
                    check::tool_result(result, limits.output).map(Answer::Complete)
                }
                Reply::Tool(Ok(tools::Outcome::InputRequired(wanted))) => {
                    Asked::of(wanted, caller.features, &self.sealer, &binding).map(Answer::InputRequired)
                }
                Reply::Tool(Ok(tools::Outcome::Background(state))) => {
                    background(caller, round, state.as_deref(), &self.sealer, &binding).map(Answer::Background)
                }
                Reply::Tool(Err(error)) => Err(Failed::of_plugin(error)),
                _ => Err(Failed::fault("it answered something else").into()),
            });
            let answer = match parsed {
                Ok(Answer::Complete(parsed)) => {
                    self.result(&tool.definition, parsed, limits.deadline).await.map(Answer::Complete)
                }
                Ok(Answer::InputRequired(asked)) => Ok(Answer::InputRequired(asked)),
                Ok(Answer::Background(state)) => Ok(Answer::Background(state)),
                Err(error) => Err(error),
            };
            Ok(Called { answer, usage, effects, masker })
        }
        .await;
        self.recorded(caller, "tool", name, Some(&plugin), called.unwrap_or_else(Called::refused))
    }

    /// Reads a resource.
    pub async fn read_resource(
        &self,
        caller: &Caller,
        uri: &str,
        round: &Round,
    ) -> Called<Answer<Vec<ResourceContents>>> {
        let _inside = self.enter();
        self.resource(caller, uri, round).instrument(caller.span()).await
    }

    async fn resource(&self, caller: &Caller, uri: &str, round: &Round) -> Called<Answer<Vec<ResourceContents>>> {
        let catalog = self.catalog().await;
        let owner =
            catalog.resources.get(uri).map(|r| &r.plugin).or_else(|| catalog.template_for(uri).map(|t| &t.plugin));
        let Some(plugin) = owner.cloned() else {
            return self.recorded(caller, "resource", uri, None, Called::refused(unknown("resource", uri)));
        };
        let called = async {
            let permit = permit(&catalog, caller, Target::Plugin(plugin.name.clone()), &plugin, "resource", uri)?;
            let limits = permit.limits().clone();
            let binding = Binding::new(&caller.principal, uri, plugin.digest, &Value::Null);
            let context = self.context(caller, round, &binding)?;
            let operation = Operation::ReadResource { uri: uri.to_owned(), context };
            let Ended { reply, usage, effects, masker } = self.run(caller, &plugin, permit, operation, &limits).await;
            let answer = reply.and_then(|reply| match reply {
                Reply::Resource(Ok(resources::Outcome::Complete(contents))) => {
                    check::resource_contents(contents, limits.output).map(Answer::Complete)
                }
                Reply::Resource(Ok(resources::Outcome::InputRequired(wanted))) => {
                    Asked::of(wanted, caller.features, &self.sealer, &binding).map(Answer::InputRequired)
                }
                // A template describes more than there is.
                Reply::Resource(Err(ToolError::NotFound(_))) => Err(unknown("resource", uri)),
                Reply::Resource(Err(error)) => Err(Failed::of_plugin(error)),
                _ => Err(Failed::fault("it answered something else").into()),
            });
            Ok(Called { answer, usage, effects, masker })
        }
        .await;
        self.recorded(caller, "resource", uri, Some(&plugin), called.unwrap_or_else(Called::refused))
    }

    /// Fills in a prompt.
    pub async fn get_prompt(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Vec<(String, String)>,
        round: &Round,
    ) -> Called<Answer<PromptResult>> {
        let _inside = self.enter();
        self.prompt(caller, name, arguments, round).instrument(caller.span()).await
    }

    async fn prompt(
        &self,
        caller: &Caller,
        name: &str,
        arguments: Vec<(String, String)>,
        round: &Round,
    ) -> Called<Answer<PromptResult>> {
        let catalog = self.catalog().await;
        let Some(prompt) = catalog.prompts.get(name) else {
            return self.recorded(caller, "prompt", name, None, Called::refused(unknown("prompt", name)));
        };
        let plugin = prompt.plugin.clone();
        let called = async {
            let permit = permit(&catalog, caller, Target::Plugin(plugin.name.clone()), &plugin, "prompt", name)?;
            let limits = permit.limits().clone();
            let definition = &prompt.definition;
            for wanted in definition.arguments.iter().filter(|a| a.required) {
                if !arguments.iter().any(|(name, _)| *name == wanted.name) {
                    return Err(CallError::Arguments(format!("argument {} is missing", wanted.name)));
                }
            }
            if let Some((other, _)) = arguments.iter().find(|(n, _)| !definition.arguments.iter().any(|a| a.name == *n))
            {
                let known: Vec<&str> = definition.arguments.iter().map(|a| a.name.as_str()).collect();
                let other: String = other.chars().take(80).collect();
                return Err(CallError::Arguments(format!(
                    "there is no argument {other:?}; there is {}",
                    known.join(", ")
                )));
            }
            let bound =
                Value::Array(arguments.iter().map(|(n, v)| Value::from(vec![n.as_str(), v.as_str()])).collect());
            let binding = Binding::new(&caller.principal, name, plugin.digest, &bound);
            let context = self.context(caller, round, &binding)?;
            let operation = Operation::GetPrompt { name: definition.name.to_string(), arguments, context };
            let Ended { reply, usage, effects, masker } = self.run(caller, &plugin, permit, operation, &limits).await;
            let answer = reply.and_then(|reply| match reply {
                Reply::Prompt(Ok(prompts::Outcome::Complete(result))) => {
                    check::prompt_result(result, limits.output).map(Answer::Complete)
                }
                Reply::Prompt(Ok(prompts::Outcome::InputRequired(wanted))) => {
                    Asked::of(wanted, caller.features, &self.sealer, &binding).map(Answer::InputRequired)
                }
                Reply::Prompt(Err(error)) => Err(Failed::of_plugin(error)),
                _ => Err(Failed::fault("it answered something else").into()),
            });
            Ok(Called { answer, usage, effects, masker })
        }
        .await;
        self.recorded(caller, "prompt", name, Some(&plugin), called.unwrap_or_else(Called::refused))
    }

    /// Offers values for an argument. A plugin without completions offers none.
    pub async fn complete(&self, caller: &Caller, typing: Completing) -> Called<Completion> {
        let _inside = self.enter();
        self.completion(caller, typing).instrument(caller.span()).await
    }

    async fn completion(&self, caller: &Caller, mut typing: Completing) -> Called<Completion> {
        let catalog = self.catalog().await;
        let (name, plugin) = match &mut typing.subject {
            Reference::Prompt(name) => {
                let id = name.clone();
                let found = catalog.prompts.get(id.as_str());
                // The plugin knows its prompt by its own name.
                if let Some(prompt) = found {
                    *name = prompt.definition.name.to_string();
                }
                (id, found.map(|p| p.plugin.clone()))
            }
            Reference::Resource(template) => {
                let listed = catalog.templates.iter().find(|t| t.definition.uri_template == *template);
                let plain = || catalog.resources.get(template.as_str()).map(|r| r.plugin.clone());
                (template.clone(), listed.map(|t| t.plugin.clone()).or_else(plain))
            }
        };
        let Some(plugin) = plugin else {
            let kind = "prompt or resource template";
            return self.recorded(caller, "completion", &name, None, Called::refused(unknown(kind, &name)));
        };
        if !plugin.prepared.offers().completions {
            return Called {
                answer: Ok(Completion { values: Vec::new(), total: None, has_more: false }),
                usage: Usage::default(),
                effects: Effects::default(),
                masker: Masker::nothing(),
            };
        }
        let called = async {
            let permit = permit(&catalog, caller, Target::Plugin(plugin.name.clone()), &plugin, "completion", &name)?;
            let limits = permit.limits().clone();
            let Completing { subject, argument, value, others } = typing;
            let context = caller.context(&Round::default(), None);
            let operation = Operation::Complete { subject, argument, value, others, context };
            let Ended { reply, usage, effects, masker } = self.run(caller, &plugin, permit, operation, &limits).await;
            let answer = reply.and_then(|reply| match reply {
                Reply::Completion(Ok(mut found)) => {
                    found.has_more |= found.values.len() > MOST_COMPLETIONS;
                    found.values.truncate(MOST_COMPLETIONS);
                    Ok(found)
                }
                Reply::Completion(Err(error)) => Err(Failed::of_plugin(error)),
                _ => Err(Failed::fault("it answered something else").into()),
            });
            Ok(Called { answer, usage, effects, masker })
        }
        .await;
        self.recorded(caller, "completion", &name, Some(&plugin), called.unwrap_or_else(Called::refused))
    }

    fn context(
        &self,
        caller: &Caller,
        round: &Round,
        binding: &Binding,
    ) -> Result<crate::contract::Context, CallError> {
        let state = round.state.as_ref().map(|s| self.sealer.open(s, binding)).transpose()?;
        Ok(caller.context(round, state))
    }

    async fn run(
        &self,
        caller: &Caller,
        plugin: &Arc<Plugin>,
        permit: Permit,
        operation: Operation,
        limits: &Limits,
    ) -> Ended {
        let _running = self.count();
        let events = caller.events.clone();
        let ran = plugin.prepared.run(&self.engine, permit, operation, &self.services, events, &caller.cancel).await;
        let Ran { reply, usage, printed, effects, masker } = ran;
        for (stream, bytes) in [("stdout", &printed.0), ("stderr", &printed.1)] {
            if !bytes.is_empty() {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(PRINTED)]);
                tracing::debug!(target: "guest", plugin = %plugin.name, stream, bytes = bytes.len(), text = %text.escape_debug(), "printed");
            }
        }
        let reply = reply.map_err(|failure| {
            let error = Failed::of_run(failure, |limit| spent(limit, limits, &usage));
            with_last_words(error, &printed.1)
        });
        let reply = reply.map(|mut reply| {
            mask::reply(&mut reply, &masker);
            reply
        });
        for effect in &effects.list {
            note(plugin, effect);
        }
        Ended { reply, usage, effects, masker }
    }

    /// Writes the one line about a call, allowed or not, that says how it ended.
    fn recorded<T>(
        &self,
        caller: &Caller,
        kind: &'static str,
        name: &str,
        plugin: Option<&Arc<Plugin>>,
        called: Called<T>,
    ) -> Called<T> {
        let (outcome, error) = match &called.answer {
            Ok(_) => ("ok", None),
            Err(CallError::Unknown { .. }) => ("unknown", None),
            Err(CallError::State(why)) => ("bad_state", Some(why.to_string())),
            Err(CallError::ClientLacks(_)) => ("client_lacks", None),
            Err(CallError::Arguments(_)) => ("validation", None),
            Err(CallError::Cancelled) => ("cancelled", None),
            Err(CallError::Failed(failed)) => {
                let label = failed.limit.map_or(failed.code.label(), |_| Code::LimitExceeded.label());
                // A plugin's own words, and a validator's, quote arguments; they stay out of the log.
                (label, failed.to_operator.clone().or_else(|| failed.limit.map(|l| l.key().to_owned())))
            }
        };
        let Usage { fuel, peak_memory, host_calls, took } = called.usage;
        // A URI may hold anything, what a tool told its caller before included.
        let name: String = called.masker.text(name).chars().take(80).collect::<String>().escape_debug().to_string();
        tracing::info!(
            principal = caller.principal.id(),
            kind,
            name,
            digest = plugin.map(|p| p.digest.short()),
            outcome,
            error,
            fuel,
            peak_memory,
            host_calls,
            effects = called.effects.times(),
            refused = called.effects.refused(),
            microseconds = took.as_micros() as u64,
            "call"
        );
        called
    }
}

/// Writes one effect into the log: what was refused for whoever watches, the rest for who looks closer.
fn note(plugin: &Plugin, effect: &Effect) {
    let Effect { capability, operation, target, verdict, times, sent, received, took } = effect;
    let (plugin, microseconds) = (&plugin.name, took.as_micros() as u64);
    match verdict {
        Verdict::Refused(why) => {
            tracing::warn!(target: "effect", %plugin, %capability, operation, to = target, times, why, "refused");
        }
        verdict => {
            tracing::debug!(
                target: "effect",
                %plugin, %capability, operation, to = target, times, sent, received, microseconds, %verdict,
                "effect"
            );
        }
    }
}

fn permit(
    catalog: &Catalog,
    caller: &Caller,
    target: Target,
    plugin: &Plugin,
    kind: &'static str,
    name: &str,
) -> Result<Permit, CallError> {
    catalog.policy.permit(caller.principal.clone(), target, plugin.digest).map_err(|denied| {
        tracing::warn!(principal = caller.principal.id(), %denied, "denied");
        // To a caller who may not use it, it is not there.
        unknown(kind, name)
    })
}

/// Whether a tool may go to the background, and what it remembers there.
fn background(
    caller: &Caller,
    round: &Round,
    state: Option<&[u8]>,
    sealer: &Sealer,
    binding: &Binding,
) -> Result<Option<SealedState>, CallError> {
    if round.background {
        return Err(Failed::fault("it went to the background twice").into());
    }
    if !caller.features.contains(ClientFeatures::TASKS) {
        return Err(Failed::fault("it went to the background and this client has no tasks").into());
    }
    let Some(state) = state else { return Ok(None) };
    if state.len() > LARGEST {
        return Err(Failed::fault(format!("it remembers {} bytes; {LARGEST} are allowed", state.len())).into());
    }
    let sealed = sealer.seal(state, binding);
    sealed.map(Some).ok_or_else(|| Failed::fault("the host could not seal its state").into())
}

fn unknown(kind: &'static str, name: &str) -> CallError {
    CallError::Unknown { kind, name: name.chars().take(200).collect() }
}

/// A guest that crashes mostly says why on its standard error first: for the operator to read.
fn with_last_words(error: CallError, printed: &[u8]) -> CallError {
    match error {
        CallError::Failed(mut failed) if failed.code == Code::PluginFault && !printed.is_empty() => {
            let words = String::from_utf8_lossy(&printed[printed.len().saturating_sub(LAST_WORDS)..]);
            let why = failed.to_operator.unwrap_or_default();
            failed.to_operator = Some(format!("{why}; its last words: {}", words.trim().escape_debug()));
            CallError::Failed(failed)
        }
        other => other,
    }
}

/// How much of a limit there was, and how much of it was spent where that is another number.
fn spent(limit: Limit, limits: &Limits, usage: &Usage) -> String {
    match limit {
        Limit::Fuel => format!(": all of its {} were spent", limits.fuel),
        Limit::Deadline => format!(": it did not end within {}", limits.deadline),
        Limit::Memory => format!(": {} bytes of {} were in use", usage.peak_memory, limits.memory),
        Limit::Memories => format!(": {}", limits.memories),
        Limit::Tables => format!(": {}", limits.tables),
        Limit::TableElements => format!(": {}", limits.table_elements),
        Limit::Instances => format!(": {}", limits.instances),
        Limit::Stack => ": it recursed too deeply".into(),
        Limit::HostCallBytes => format!(": {} at a time", limits.host_call_bytes),
        Limit::Handles => format!(": {}", limits.handles),
        Limit::HostCalls => format!(": {}", limits.host_calls),
        Limit::Output => format!(": {}", limits.output),
        Limit::Stdio => format!(": {}", limits.stdio),
        Limit::Log => format!(": {}", limits.log),
        Limit::LogLines => format!(": {}", limits.log_lines),
        Limit::Concurrency => format!(": {}", limits.concurrency),
    }
}

impl<T> Called<T> {
    fn refused(error: CallError) -> Self {
        Self { answer: Err(error), usage: Usage::default(), effects: Effects::default(), masker: Masker::nothing() }
    }
}
