"""Drives one MCP server with the second line of the official Python client (PyPI mcp 2.x), step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pinned

pinned.check_package("requirements-v2.txt")

import anyio  # noqa: E402
import mcp_types as types  # noqa: E402
from mcp import Client, StdioServerParameters  # noqa: E402
from mcp.client.sse import sse_client  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

import common  # noqa: E402

IDENTITY = types.Implementation(name="cofferdam-client-tests", version="1.0.0")


class Connection:
    def __init__(
        self, client: Client, stack: AsyncExitStack, sent: list[dict[str, Any]], tools_changed: common.Bell
    ) -> None:
        self._client = client
        self._stack = stack
        self.sent = sent
        self.tools_changed = tools_changed
        self.protocol_version = client.protocol_version

    def declares_list_changed(self) -> bool:
        tools = self._client.server_capabilities.tools
        return bool(tools and tools.list_changed)

    async def subscribe(self) -> str:
        if self.protocol_version != common.MODERN:
            return "unsolicited notifications"
        subscription = await self._stack.enter_async_context(self._client.listen(tools_list_changed=True))
        common.check(
            subscription.honored.tools_list_changed,
            "the server did not grant subscriptions/listen for toolsListChanged",
        )

        async def listen() -> None:
            async for _ in subscription:
                self.tools_changed.ring()

        group = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(group.cancel_scope.cancel)
        group.start_soon(listen)
        return "subscriptions/listen"

    async def list_tools(self) -> list[common.Tool]:
        tools: list[common.Tool] = []
        cursor = None
        while True:
            page = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
            tools += [common.Tool(tool.name, tool.input_schema) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], on_progress: common.OnProgress | None = None
    ) -> common.Answer:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            if on_progress:
                on_progress(progress)

        result = await self._client.call_tool(name, arguments, progress_callback=report if on_progress else None)
        text = "".join(item.text for item in result.content if isinstance(item, types.TextContent))
        return common.Answer(text, bool(result.is_error))

    async def announce_cancellation(self, request_id: int | str) -> None:
        # Cancelling the caller's scope is enough: the package hands notifications/cancelled to its transport,
        # and over modern HTTP the transport closes the response stream instead of posting it.
        return


def transport(options: common.Options) -> AbstractAsyncContextManager[Any]:
    if options.transport == "http":
        return streamable_http_client(options.url)
    if options.transport == "sse":
        return sse_client(options.url)
    return stdio_client(StdioServerParameters(command=options.command, args=options.args))


@asynccontextmanager
async def connect(options: common.Options) -> AsyncIterator[Connection]:
    sent: list[dict[str, Any]] = []
    changed = common.Bell()

    async def on_message(message: object) -> None:
        # With a subscription open its own iterator rings; what comes unasked belongs to the older era.
        if isinstance(message, types.ToolListChangedNotification) and client.protocol_version != common.MODERN:
            changed.ring()

    client = Client(
        common.tapped(transport(options), sent),
        mode=options.mode,
        message_handler=on_message,
        client_info=IDENTITY,
    )
    async with client, AsyncExitStack() as stack:
        yield Connection(client, stack, sent, changed)


def expected_versions(options: common.Options) -> tuple[str, ...]:
    if options.mode == "legacy":
        return (common.LEGACY,)
    # HTTP+SSE is a transport of the old era: a server may serve either over it.
    return (common.MODERN, common.LEGACY) if options.transport == "sse" else (common.MODERN,)


if __name__ == "__main__":
    parsed = common.parse_options(__doc__, ("auto", "legacy"))
    common.run(parsed, connect, expected_versions(parsed))
