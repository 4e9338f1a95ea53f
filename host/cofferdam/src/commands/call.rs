use std::{io::Read, process::ExitCode};

use anyhow::{Context, Result, bail};
use cofferdam_capabilities::Effects;
use cofferdam_gate::{
    Answer, CallError, Caller, Event, Round,
    contract::{ClientFeatures, Content, ResourceBody},
};
use cofferdam_policy::{Limits, Principal, Transport};
use cofferdam_sandbox::Usage;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    cli::{CallArgs, Global},
    host::{Host, Purpose, begin, runtime, until_told_to_end},
    show::{Output, size, table},
};

pub(crate) fn run(global: &Global, args: CallArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let arguments = arguments(args.arguments)?;
    runtime()?.block_on(async {
        let host = Host::new(&config, Purpose::Call).await?;
        host.keeper.once().await;
        let catalog = host.gate.catalog().await;
        let Some(tool) = catalog.tools.get(args.tool.as_str()) else {
            for refusal in &catalog.refusals {
                eprintln!("{refusal}");
            }
            let known: Vec<&str> = catalog.tools.keys().map(|id| id.as_str()).collect();
            if known.is_empty() {
                bail!("there is no tool {:?}: none is served; `cofferdam plugins` says why", args.tool);
            }
            bail!("there is no tool {:?}; there is {}", args.tool, known.join(", "));
        };
        let limits = catalog.policy.limits(&tool.target).clone();
        let (told, mut events) = mpsc::channel(16);
        let cancel: CancellationToken = until_told_to_end()?;
        let caller = Caller {
            principal: Principal::of(Transport::Local),
            request_id: Uuid::new_v4().simple().to_string(),
            traceparent: None,
            features: ClientFeatures::empty(),
            events: Some(told),
            cancel,
        };
        let telling = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                tell(&event);
            }
        });
        let called = host.gate.call_tool(&caller, &args.tool, arguments, &Round::default()).await;
        drop(caller);
        telling.await?;
        let (text, structured, failed) = match called.answer {
            Ok(Answer::Complete((content, structured))) => {
                (content.iter().map(words).collect::<Vec<_>>().join("\n"), structured, None)
            }
            Ok(Answer::InputRequired(asked)) => {
                let keys: Vec<String> = asked.asks.into_iter().map(|a| a.key).collect();
                (format!("it asks for input first: {}", keys.join(", ")), None, None)
            }
            // It goes there only for a client that can wait, and this one says that it cannot.
            Ok(Answer::Background(_)) => ("it wants to go on in the background".into(), None, Some("refused")),
            Err(CallError::Failed(failed)) => {
                let why = failed.to_operator.as_ref().map(|w| format!("\n{w}")).unwrap_or_default();
                (format!("{}{why}", failed.to_caller), None, Some(failed.code.label()))
            }
            Err(error) => (error.to_string(), None, Some("refused")),
        };
        match Output::from(args.json) {
            Output::Json => {
                let report = json!({
                    "tool": args.tool, "error": failed, "text": text, "structured": structured,
                    "usage": usage(&called.usage), "effects": called.effects,
                });
                println!("{}", serde_json::to_string_pretty(&report)?);
            }
            Output::Human => {
                println!("{text}");
                eprintln!("\n{}", spent(&called.usage, &limits));
                if !called.effects.list.is_empty() {
                    eprintln!("\n{}", effects(&called.effects));
                }
            }
        }
        Ok(if failed.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    })
}

fn arguments(text: String) -> Result<Map<String, Value>> {
    let text = if text == "-" {
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).context("cannot read standard input")?;
        input
    } else {
        text
    };
    match serde_json::from_str(&text).context("the arguments are no JSON")? {
        Value::Object(arguments) => Ok(arguments),
        _ => bail!("the arguments are a JSON object, such as '{{\"message\": \"hello\"}}'"),
    }
}

fn words(content: &Content) -> String {
    match content {
        Content::Text(text) => text.text.clone(),
        Content::Image(media) => format!("[image, {}, {}]", media.mime_type, size(media.data.len() as u64)),
        Content::Audio(media) => format!("[audio, {}, {}]", media.mime_type, size(media.data.len() as u64)),
        Content::Resource(resource) => match &resource.body {
            ResourceBody::Text(text) => format!("[resource {}]\n{text}", resource.uri),
            ResourceBody::Blob(bytes) => format!("[resource {}, {}]", resource.uri, size(bytes.len() as u64)),
        },
        Content::Link(link) => format!("[link {}]", link.uri),
    }
}

/// What a guest says while it runs. Escaped: it may be a terminal that shows it.
fn tell(event: &Event) {
    match event {
        Event::Log { level, message, .. } => eprintln!("{level:?}: {}", message.escape_debug()),
        Event::Progress { done, total, message } => {
            let total = total.map(|t| format!(" of {t}")).unwrap_or_default();
            let message = message.as_deref().unwrap_or_default().escape_debug().to_string();
            eprintln!("{done}{total} {message}");
        }
        Event::Changed(listing) => eprintln!("it says that its {listing:?} changed"),
        Event::Updated { uri } => eprintln!("it says that {} changed", uri.escape_debug()),
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "fuel": usage.fuel, "peak_memory": usage.peak_memory, "host_calls": usage.host_calls,
        "microseconds": usage.took.as_micros() as u64,
    })
}

fn effects(effects: &Effects) -> String {
    let mut rows = table(&["DID", "", "TO", "TIMES", "OUT", "IN", "TOOK", "VERDICT"]);
    for effect in &effects.list {
        rows.add_row([
            effect.capability.to_string(),
            effect.operation.to_owned(),
            effect.target.clone(),
            effect.times.to_string(),
            size(effect.sent),
            size(effect.received),
            format!("{:.2} ms", effect.took.as_secs_f64() * 1000.0),
            effect.verdict.to_string(),
        ]);
    }
    let more = if effects.unlisted > 0 { format!("\nand {} more", effects.unlisted) } else { String::new() };
    format!("{rows}{more}")
}

fn spent(usage: &Usage, limits: &Limits) -> String {
    let mut rows = table(&["SPENT", "", "OF"]);
    rows.add_row(["fuel".into(), usage.fuel.to_string(), limits.fuel.to_string()]);
    rows.add_row(["peak memory".into(), size(usage.peak_memory), limits.memory.to_string()]);
    rows.add_row(["time".into(), format!("{:.2} ms", usage.took.as_secs_f64() * 1000.0), limits.deadline.to_string()]);
    rows.add_row(["host calls".into(), usage.host_calls.to_string(), limits.host_calls.to_string()]);
    rows.to_string()
}
