"""Drives one MCP server with the first line of the official Python client (PyPI mcp 1.x), step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pinned

pinned.check_package("requirements-v1.txt")

from mcp import ClientSession, StdioServerParameters, types  # noqa: E402
from mcp.client.sse import sse_client  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

import common  # noqa: E402

IDENTITY = types.Implementation(name="cofferdam-client-tests", version="1.0.0")


class Connection:
    def __init__(self, session: ClientSession, sent: list[dict[str, Any]], tools_changed: common.Bell) -> None:
        self._session = session
        self.sent = sent
        self.tools_changed = tools_changed
        self.protocol_version = ""

    async def initialize(self) -> None:
        result = await self._session.initialize()
        self.protocol_version = str(result.protocolVersion)

    def declares_list_changed(self) -> bool:
        capabilities = self._session.get_server_capabilities()
        return bool(capabilities and capabilities.tools and capabilities.tools.listChanged)

    async def subscribe(self) -> str:
        return "unsolicited notifications"

    async def list_tools(self) -> list[common.Tool]:
        tools: list[common.Tool] = []
        cursor = None
        while True:
            page = await self._session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            tools += [common.Tool(tool.name, tool.inputSchema) for tool in page.tools]
            cursor = page.nextCursor
            if cursor is None:
                return tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any], on_progress: common.OnProgress | None = None
    ) -> common.Answer:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            if on_progress:
                on_progress(progress)

        result = await self._session.call_tool(name, arguments, progress_callback=report if on_progress else None)
        text = "".join(item.text for item in result.content if isinstance(item, types.TextContent))
        return common.Answer(text, result.isError)

    async def announce_cancellation(self, request_id: int | str) -> None:
        # This line of the package only stops waiting; what the specification asks for is ours to send.
        await self._session.send_notification(
            types.ClientNotification(
                types.CancelledNotification(
                    params=types.CancelledNotificationParams(requestId=request_id, reason="the user pressed stop")
                )
            )
        )


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
        if isinstance(message, types.ServerNotification) and isinstance(
            message.root, types.ToolListChangedNotification
        ):
            changed.ring()

    async with (
        common.tapped(transport(options), sent) as (read, write),
        ClientSession(read, write, message_handler=on_message, client_info=IDENTITY) as session,
    ):
        connection = Connection(session, sent, changed)
        await connection.initialize()
        yield connection


if __name__ == "__main__":
    common.run(common.parse_options(__doc__, ("legacy",)), connect, (common.LEGACY,))
