//! Calls that go on in the background: the tasks extension.
//!
//! The plugin decides: it answers `background`, the client gets a handle, and the host calls the
//! plugin again in a task of its own. What the plugin asks for then waits in the task until the
//! client looks. Tasks are kept in this process, for minutes: they do not outlive it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use cofferdam_gate::{Answer, Asked, CallError, Caller, Code, Gate, Round, SealedState};
use cofferdam_policy::Principal;
use futures::future::try_join_all;
use rmcp::{
    model::{CallToolResponse, CallToolResult, CreateTaskResult, ErrorData, GetTaskResult, InputResponses, JsonObject},
    task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions},
};
use tokio_util::sync::CancellationToken;

use crate::{asking::MOST_ROUNDS, asking::request, caller::Era, convert, errors::tool_error};

/// Tasks that run or wait for input at a time.
const MOST_RUNNING: usize = 256;
/// How long a task may take, and how long its result is kept after that.
const TTL_MS: u64 = 10 * 60 * 1000;
/// How often a client should look.
const POLL_MS: u64 = 500;

/// The tasks of this process, and whose they are.
#[derive(Default)]
pub(crate) struct Tasks {
    manager: TaskManager,
    owners: Mutex<HashMap<String, Principal>>,
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}

/// What a task does.
pub(crate) struct Job {
    pub(crate) gate: Arc<Gate>,
    pub(crate) caller: Caller,
    pub(crate) tool: String,
    pub(crate) arguments: JsonObject,
    pub(crate) state: Option<SealedState>,
}

impl Tasks {
    pub(crate) fn create(&self, job: Job) -> Result<CreateTaskResult, ErrorData> {
        if self.manager.running_task_count() >= MOST_RUNNING {
            tracing::warn!("refused: {MOST_RUNNING} tasks are running");
            return Err(ErrorData::internal_error("too many tasks are running: try again", None));
        }
        let owner = job.caller.principal.clone();
        let options = TaskOptions::new().with_ttl_ms(TTL_MS).with_poll_interval_ms(POLL_MS);
        let task = self.manager.spawn(options, |cx| Box::pin(job.run(cx)));
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        // What the manager forgot is nobody's any more.
        owners.retain(|id, _| self.manager.get_task(id).is_ok());
        owners.insert(task.task_id.clone(), owner);
        Ok(CreateTaskResult::new(task))
    }

    pub(crate) fn get(&self, id: &str, asker: &Principal) -> Result<GetTaskResult, ErrorData> {
        self.owned(id, asker)?;
        self.manager.get_task(id).map(GetTaskResult::new)
    }

    pub(crate) fn update(&self, id: &str, answers: InputResponses, asker: &Principal) -> Result<(), ErrorData> {
        self.owned(id, asker)?;
        self.manager.update_task(id, answers)
    }

    pub(crate) fn cancel(&self, id: &str, asker: &Principal) -> Result<(), ErrorData> {
        self.owned(id, asker)?;
        self.manager.cancel_task(id)
    }

    /// To others a task is one that does not exist: its id is no authority.
    fn owned(&self, id: &str, asker: &Principal) -> Result<(), ErrorData> {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.get(id) == Some(asker) { Ok(()) } else { Err(ErrorData::invalid_params("unknown task", None)) }
    }
}

impl Job {
    async fn run(self, cx: TaskContext) -> Result<CallToolResult, TaskExit> {
        // The request that began it is over; only the client's word ends the task.
        let cancel = CancellationToken::new();
        let caller = Caller { cancel: cancel.clone(), events: None, ..self.caller };
        let mut round = Round { answers: Vec::new(), state: self.state, background: true };
        let mut keys = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            let called = {
                let call = self.gate.call_tool(&caller, &self.tool, self.arguments.clone(), &round);
                tokio::pin!(call);
                tokio::select! {
                    called = &mut call => called,
                    () = cx.cancelled() => {
                        cancel.cancel();
                        call.await
                    }
                }
            };
            let asked = match called.answer {
                Ok(Answer::Complete((content, structured))) => return Ok(convert::tool_result(content, structured)),
                Ok(Answer::InputRequired(asked)) => asked,
                Ok(Answer::Background(_)) => return Err(failed("the tool went to the background twice")),
                Err(CallError::Cancelled) => return Err(TaskExit::Cancelled),
                Err(error) => return outcome(error, &caller.request_id),
            };
            round = ask(&cx, asked, &mut keys).await?;
        }
        Err(failed("the tool asked too often and still has no answer it can use"))
    }
}

/// A tool that says that it failed has completed; one that broke down has not.
fn outcome(error: CallError, request_id: &str) -> Result<CallToolResult, TaskExit> {
    if let CallError::Failed(failure) = &error
        && failure.code == Code::PluginFault
    {
        return Err(failed(failure.to_caller.clone()));
    }
    match tool_error(error, Era::Modern, request_id) {
        Ok(CallToolResponse::Complete(result)) => Ok(result),
        Ok(_) => Err(failed("the tool gave no result")),
        Err(error) => Err(TaskExit::Error(error)),
    }
}

/// Parks the task until the client has answered everything.
async fn ask(cx: &TaskContext, asked: Asked, keys: &mut BTreeSet<String>) -> Result<Round, TaskExit> {
    let mut waiting = Vec::with_capacity(asked.asks.len());
    for ask in asked.asks {
        let own = ask.key.clone();
        // A key names one question for as long as the task lives; a plugin that asks again gets a
        // new one, and hears of it under its own.
        let mut key = own.clone();
        let mut again = 1;
        while !keys.insert(key.clone()) {
            again += 1;
            key = format!("{own}-{again}");
        }
        let question = request(ask).map_err(TaskExit::Error)?;
        waiting.push(async move { Ok::<_, TaskExit>((own, cx.request_input(key, question).await?)) });
    }
    let answers = try_join_all(waiting).await?;
    Ok(Round { answers, state: asked.state, background: true })
}

fn failed(why: impl Into<std::borrow::Cow<'static, str>>) -> TaskExit {
    TaskExit::Error(ErrorData::internal_error(why, None))
}
