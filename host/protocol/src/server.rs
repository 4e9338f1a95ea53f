use std::{future::Future, sync::Arc};

use cofferdam_gate::{Answer, Called, Caller, Completing, Gate, Round, SealedState};
use cofferdam_policy::{Principal, Transport};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CompleteRequestParams,
        CompleteResult, CompletionInfo, DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse,
        GetPromptResult, GetTaskParams, GetTaskResult, Implementation, InitializeRequestParams, InitializeResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference,
        ServerCapabilities, ServerConfig, SetLevelRequestMethod, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    asking::{MOST_ROUNDS, ask_legacy, input_required},
    caller::{self, Era},
    convert,
    errors::{protocol_error, tool_error},
    events::{self, BACKLOG, Listener, LogLevel},
    hub::{Followed, Hub},
    lists::{CurrentLists, Lists, page},
    tasks::{Job, Tasks},
};

/// How long a client may keep a listing without asking whether it changed.
const LIST_TTL_MS: u64 = 1000;
/// The same for what the host says of itself.
const DISCOVER_TTL_MS: u64 = 60_000;

/// How the protocol layer behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Entries of one page of a listing.
    pub page: usize,
    /// Version of the host, as clients see it.
    pub version: &'static str,
}

/// One MCP server for every transport; a clone is one connection's view of it.
#[derive(Clone, Debug)]
pub struct McpServer {
    shared: Arc<Shared>,
    session: Arc<Session>,
    transport: Transport,
}

#[derive(Debug)]
struct Shared {
    gate: Arc<Gate>,
    hub: Arc<Hub>,
    lists: CurrentLists,
    tasks: Tasks,
    settings: Settings,
}

/// What a session of the older era has set up for itself. Requests of the current era have one each
/// and do not use it.
#[derive(Debug, Default)]
struct Session {
    log_level: Arc<LogLevel>,
    followed: Arc<Followed>,
}

impl McpServer {
    /// A server of what `gate` lets through. `closing` ends what clients keep open. Has to be made
    /// inside a tokio runtime: it follows the catalog in a task.
    pub fn new(gate: Arc<Gate>, settings: Settings, closing: CancellationToken) -> Self {
        let hub = Hub::new(closing);
        hub.follow(gate.reading().clone());
        let shared = Shared { gate, hub, lists: CurrentLists::default(), tasks: Tasks::default(), settings };
        Self { shared: Arc::new(shared), session: Arc::default(), transport: Transport::Local }
    }

    /// The same server for a new connection of this transport.
    pub fn for_connection(&self, transport: Transport) -> Self {
        Self { shared: self.shared.clone(), session: Arc::default(), transport }
    }

    async fn lists(&self) -> Arc<Lists> {
        let catalog = self.shared.gate.catalog().await;
        self.shared.lists.of(&catalog)
    }

    fn caller(&self, cx: &RequestContext<RoleServer>) -> (Caller, mpsc::Receiver<cofferdam_gate::Event>) {
        let (told, events) = mpsc::channel(BACKLOG);
        (caller::caller(cx, self.transport, Some(told)), events)
    }

    fn principal(&self, cx: &RequestContext<RoleServer>) -> Principal {
        caller::principal(cx, self.transport)
    }

    /// Calls a plugin, and calls it again for as long as a client of the older era has to be asked.
    async fn converse<T, F>(
        &self,
        cx: &RequestContext<RoleServer>,
        mut round: Round,
        call: impl Fn(Caller, Round) -> F,
    ) -> Conversed<T>
    where
        F: Future<Output = Called<Answer<T>>>,
    {
        let era = Era::of(cx);
        let listener = Listener::new(cx, era, &self.session.log_level, &self.shared.hub);
        let (mut caller, mut events) = self.caller(cx);
        for _ in 0..MOST_ROUNDS {
            let asker = Caller { events: None, ..caller.clone() };
            let called = listener.during(events, call(caller, round)).await;
            let asked = match called.answer {
                Ok(Answer::Complete(result)) => return Conversed::Complete(result),
                Ok(Answer::Background(state)) => return Conversed::Background(asker, state),
                Ok(Answer::InputRequired(asked)) if era == Era::Modern => {
                    return Conversed::Asks(input_required(asked));
                }
                Ok(Answer::InputRequired(asked)) => asked,
                Err(error) => return Conversed::Failed(error, era, asker.request_id),
            };
            round = match ask_legacy(&cx.peer, asked, &asker).await {
                Ok(round) => round,
                Err(error) => return Conversed::Unanswered(error),
            };
            let (told, more) = mpsc::channel(BACKLOG);
            caller = Caller { events: Some(told), ..asker };
            events = more;
        }
        Conversed::Unanswered(ErrorData::internal_error(
            format!("the plugin asked {MOST_ROUNDS} times and still has no answer it can use"),
            None,
        ))
    }
}

/// How a conversation about one request ended.
enum Conversed<T> {
    Complete(T),
    Asks(Result<rmcp::model::InputRequiredResult, ErrorData>),
    /// It goes on as a task, for this caller and with this state.
    Background(Caller, Option<SealedState>),
    Failed(cofferdam_gate::CallError, Era, String),
    /// A client of the older era did not answer what it was asked.
    Unanswered(ErrorData),
}

/// The contract has no way to say this of a resource or a prompt.
fn only_tools() -> ErrorData {
    ErrorData::internal_error("only tools go to the background", None)
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build();
        let info = Implementation::new("cofferdam", self.shared.settings.version).with_title("Cofferdam");
        ServerConfig::new(capabilities).with_server_info(info).with_instructions(
            "Each tool runs in its own WebAssembly sandbox with its own limits. A result with isError names the limit \
             or the argument at fault; mend that and call again.",
        )
    }

    async fn discover(&self, _cx: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let mut found = DiscoverResult::from_server_info(versions, self.get_info());
        found.ttl_ms = DISCOVER_TTL_MS;
        found.cache_scope = CacheScope::Public;
        Ok(found)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        cx.peer.set_peer_info(request.clone());
        tracing::debug!(client = %request.client_info.name.escape_debug(), version = %request.protocol_version, "session opens");
        self.negotiate_initialize(&request)
    }

    async fn on_initialized(&self, cx: NotificationContext<RoleServer>) {
        self.shared.hub.join(cx.peer, self.session.followed.clone());
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let catalog = self.shared.gate.reading().now();
        self.shared.lists.of(&catalog).tools.get(name).cloned()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (items, next) = page(&self.lists().await.tools, request.as_ref(), self.shared.settings.page)?;
        let mut result =
            ListToolsResult::with_all_items(items).with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private);
        result.next_cursor = next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let CallToolRequestParams { name, arguments, input_responses, request_state, .. } = request;
        let arguments = arguments.unwrap_or_default();
        let gate = &self.shared.gate;
        let conversed = self
            .converse(&cx, caller::round(input_responses, request_state), |caller, round| {
                let (name, arguments) = (&name, arguments.clone());
                async move { gate.call_tool(&caller, name, arguments, &round).await }
            })
            .await;
        match conversed {
            Conversed::Complete((content, structured)) => Ok(convert::tool_result(content, structured).into()),
            Conversed::Background(caller, state) => {
                let job = Job { gate: gate.clone(), caller, tool: name.into_owned(), arguments, state };
                Ok(CallToolResponse::Task(self.shared.tasks.create(job)?))
            }
            Conversed::Asks(asked) => Ok(asked?.into()),
            Conversed::Failed(error, era, request_id) => tool_error(error, era, &request_id),
            // For the model to read.
            Conversed::Unanswered(error) => {
                Ok(CallToolResult::error(vec![rmcp::model::ContentBlock::text(error.message)]).into())
            }
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let (items, next) = page(&self.lists().await.resources, request.as_ref(), self.shared.settings.page)?;
        let mut result =
            ListResourcesResult::with_all_items(items).with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private);
        result.next_cursor = next;
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let (items, next) = page(&self.lists().await.templates, request.as_ref(), self.shared.settings.page)?;
        let mut result = ListResourceTemplatesResult::with_all_items(items)
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private);
        result.next_cursor = next;
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let ReadResourceRequestParams { uri, input_responses, request_state, .. } = request;
        let gate = &self.shared.gate;
        let conversed = self
            .converse(&cx, caller::round(input_responses, request_state), |caller, round| {
                let uri = &uri;
                async move { gate.read_resource(&caller, uri, &round).await }
            })
            .await;
        match conversed {
            Conversed::Complete(parts) => {
                let result = ReadResourceResult::new(parts.into_iter().map(convert::contents).collect());
                Ok(result.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
            }
            Conversed::Asks(asked) => Ok(asked?.into()),
            Conversed::Background(..) => Err(only_tools()),
            Conversed::Failed(error, _, request_id) => Err(protocol_error(error, &request_id)),
            Conversed::Unanswered(error) => Err(error),
        }
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _cx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (items, next) = page(&self.lists().await.prompts, request.as_ref(), self.shared.settings.page)?;
        let mut result =
            ListPromptsResult::with_all_items(items).with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Private);
        result.next_cursor = next;
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let GetPromptRequestParams { name, arguments, input_responses, request_state, .. } = request;
        // The protocol says that they are strings; some clients send numbers.
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let arguments: Vec<(String, String)> =
            arguments.unwrap_or_default().into_iter().map(|(name, value)| (name, text(value))).collect();
        let gate = &self.shared.gate;
        let conversed = self
            .converse(&cx, caller::round(input_responses, request_state), |caller, round| {
                let (name, arguments) = (&name, arguments.clone());
                async move { gate.get_prompt(&caller, name, arguments, &round).await }
            })
            .await;
        match conversed {
            Conversed::Complete(prompt) => {
                let message =
                    |m: cofferdam_gate::Message| PromptMessage::new(convert::role(m.role), convert::content(m.content));
                let mut result = GetPromptResult::new(prompt.messages.into_iter().map(message).collect());
                result.description = prompt.description;
                Ok(result.into())
            }
            Conversed::Asks(asked) => Ok(asked?.into()),
            Conversed::Background(..) => Err(only_tools()),
            Conversed::Failed(error, _, request_id) => Err(protocol_error(error, &request_id)),
            Conversed::Unanswered(error) => Err(error),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let subject = match request.r#ref {
            Reference::Prompt(prompt) => cofferdam_gate::Subject::Prompt(prompt.name),
            Reference::Resource(template) => cofferdam_gate::Subject::Resource(template.uri),
            _ => {
                return Err(ErrorData::invalid_params(
                    "completion is offered for prompts and resource templates",
                    None,
                ));
            }
        };
        let others = request.context.and_then(|c| c.arguments).unwrap_or_default().into_iter().collect();
        let typing = Completing { subject, argument: request.argument.name, value: request.argument.value, others };
        let (caller, events) = self.caller(&cx);
        let listener = Listener::new(&cx, Era::of(&cx), &self.session.log_level, &self.shared.hub);
        let called = listener.during(events, self.shared.gate.complete(&caller, typing)).await;
        let found = called.answer.map_err(|e| protocol_error(e, &caller.request_id))?;
        let mut info = CompletionInfo::new(found.values).map_err(|e| ErrorData::internal_error(e, None))?;
        info.total = found.total;
        info.has_more = Some(found.has_more);
        Ok(CompleteResult::new(info))
    }

    async fn set_level(&self, request: SetLevelRequestParams, cx: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        // The library keeps the other methods of the older era from newer clients, and forgets this one.
        if Era::of(&cx) == Era::Modern {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        self.session.log_level.set(events::from_wire(request.level));
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if self.session.followed.add(request.uri) {
            Ok(())
        } else {
            Err(ErrorData::invalid_params("this session follows as many resources as it may", None))
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _cx: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.session.followed.remove(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.shared.tasks.get(&request.task_id, &self.principal(&cx))
    }

    async fn update_task(&self, request: UpdateTaskParams, cx: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.shared.tasks.update(&request.task_id, request.input_responses, &self.principal(&cx))
    }

    async fn cancel_task(&self, request: CancelTaskParams, cx: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.shared.tasks.cancel(&request.task_id, &self.principal(&cx))
    }

    async fn listen(&self, cx: SubscriptionContext) -> Result<(), ErrorData> {
        self.shared.hub.listen(&cx).await;
        Ok(())
    }
}
