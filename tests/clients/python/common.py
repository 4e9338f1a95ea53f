"""What both client programs share: the command line, the report, the dropped component and the steps.

The steps, their names and their limits are those of the Node programs in ../node.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio

LEGACY = "2025-11-25"
MODERN = "2026-07-28"

OVERALL_SECONDS = 90
ANSWER_SECONDS = 20
RUNNING_AFTER_SECONDS = 0.3
CANCELLED_WITHIN_SECONDS = 5
CHANGED_WITHIN_SECONDS = 20
# How long both clients wait for a stdio server to end by itself before they kill it.
STDIO_GRACE_SECONDS = 2


# The command line


@dataclass(frozen=True)
class Options:
    transport: str
    mode: str
    url: str | None
    command: str | None
    args: list[str]
    plugins_dir: Path
    drop: Path
    file_name: str
    expect_tool: str
    slow_tool: str


def parse_options(description: str, modes: tuple[str, ...]) -> Options:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--transport", required=True, choices=("http", "sse", "stdio"))
    if len(modes) > 1:
        parser.add_argument("--mode", choices=modes, default=modes[0], help="how the version is negotiated")
    parser.add_argument("--url", help="the server, for http and sse")
    parser.add_argument("--command", help="the server's program, for stdio")
    parser.add_argument("--args", default="[]", type=_string_list, help="its arguments, a JSON array of strings")
    parser.add_argument("--plugins-dir", required=True, type=Path, help="the directory that the server watches")
    parser.add_argument(
        "--drop",
        required=True,
        type=Path,
        help="the component to drop there; its signature files (FILE.sig, FILE.sigstore.json, "
        "FILE.*.sigstore.json), where they exist, go with it",
    )
    parser.add_argument("--as", required=True, dest="file_name", type=_file_name, help="the file name it gets there")
    parser.add_argument("--expect-tool", required=True, help='the tool that it brings; called with {"name":"Ada"}')
    parser.add_argument("--slow-tool", default="hostile_sleep", help='started with {"ms":60000} and cancelled')
    given = vars(parser.parse_args())
    needed = "command" if given["transport"] == "stdio" else "url"
    if not given[needed]:
        parser.error(f"--{needed} is required with --transport {given['transport']}")
    return Options(**{"mode": modes[0], **given})


def _string_list(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise argparse.ArgumentTypeError("must be a JSON array of strings")
    return value


def _file_name(text: str) -> str:
    if not text.endswith(".wasm") or "/" in text:
        raise argparse.ArgumentTypeError("must be a file name that ends in .wasm")
    return text


# The report


class Failed(Exception):
    """A step's claim does not hold."""


def check(condition: object, message: str) -> None:
    if not condition:
        raise Failed(message)


class Report:
    """One line per step on stdout: `ok <step>` or `not ok <step>: why`. Lines that begin with `#` are remarks."""

    def __init__(self) -> None:
        self.failed = False
        self._current = "start"
        self._remarks: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._current = name
        try:
            yield
        except BaseException as error:
            self.fail(error)
            raise
        print(f"ok {name}", flush=True)
        self._print_remarks()

    def remark(self, text: str) -> None:
        """A remark on the step under way; printed below its line."""
        self._remarks.append(text)

    def fail(self, error: BaseException) -> None:
        """Reports the first failure; those that follow from it are not worth a line."""
        if self.failed:
            return
        self.failed = True
        print(f"not ok {self._current}: {_one_line(error)}", flush=True)
        self._print_remarks()

    def _print_remarks(self) -> None:
        for remark in self._remarks:
            print(f"# {remark}", flush=True)
        self._remarks.clear()


def _one_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:400]


# The component that is dropped


class Drop:
    """Puts a component into the watched directory and takes it out again, as an operator would."""

    def __init__(self, options: Options) -> None:
        self._source = options.drop
        self._target = options.plugins_dir / options.file_name
        self._placed = False

    def place(self) -> None:
        """Signatures first, then the component; each appears whole, under a name that is no component's until then."""
        check(self._source.is_file(), f"{self._source} does not exist")
        check(not self._target.exists(), f"{self._target} is already there")
        self._placed = True
        for suffix in self._signature_suffixes():
            _copy_whole(_with_suffix(self._source, suffix), _with_suffix(self._target, suffix))
        _copy_whole(self._source, self._target)

    def remove(self) -> None:
        """Does nothing where there is nothing of ours to remove."""
        if not self._placed:
            return
        self._target.unlink(missing_ok=True)
        for suffix in self._signature_suffixes():
            _with_suffix(self._target, suffix).unlink(missing_ok=True)

    def _signature_suffixes(self) -> list[str]:
        name = self._source.name
        beside = [entry.name for entry in self._source.parent.iterdir()]
        signed = [
            n for n in beside if n == f"{name}.sig" or (n.startswith(f"{name}.") and n.endswith(".sigstore.json"))
        ]
        return [n.removeprefix(name) for n in signed]


def _with_suffix(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _copy_whole(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, temporary)
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)


# The connection, as the steps see it


class Bell:
    """Counts events, and lets a reader wait for the next one that it has not seen."""

    def __init__(self) -> None:
        self.rung = 0
        self._next = anyio.Event()

    def ring(self) -> None:
        self.rung += 1
        self._next.set()
        self._next = anyio.Event()

    async def wait_after(self, seen: int) -> None:
        while self.rung <= seen:
            await self._next.wait()


@dataclass(frozen=True)
class Tool:
    name: str
    input_schema: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    text: str
    is_error: bool


OnProgress = Callable[[float], None]


class Connection(Protocol):
    """One connected client. The two lines of the package differ in names and in what they do by themselves."""

    protocol_version: str
    tools_changed: Bell
    sent: list[dict[str, Any]]

    def declares_list_changed(self) -> bool: ...

    async def subscribe(self) -> str:
        """Makes list changes ring `tools_changed`; says how they arrive."""
        ...

    async def list_tools(self) -> list[Tool]:
        """Every page, asked of the server and not of a cache."""
        ...

    async def call_tool(
        self, name: str, arguments: dict[str, Any], on_progress: OnProgress | None = None
    ) -> Answer: ...

    async def announce_cancellation(self, request_id: int | str) -> None:
        """Tells the server, where the package does not do so when the caller's scope is cancelled."""
        ...


Connect = Callable[[Options], AbstractAsyncContextManager[Connection]]


class _Tap:
    """A write stream that notes down what is sent through it."""

    def __init__(self, stream: Any, sent: list[dict[str, Any]]) -> None:
        self._stream = stream
        self._sent = sent

    async def send(self, item: Any) -> None:
        self._sent.append(item.message.model_dump(by_alias=True, mode="json", exclude_none=True))
        await self._stream.send(item)

    async def __aenter__(self) -> _Tap:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        return await self._stream.__aexit__(*exc)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@asynccontextmanager
async def tapped(transport: AbstractAsyncContextManager[Any], sent: list[dict[str, Any]]) -> AsyncIterator[Any]:
    """A client transport whose outgoing messages are also appended to `sent`."""
    async with transport as (read, write, *_):
        yield read, _Tap(write, sent)


# The steps


def run(options: Options, connect: Connect, expected_versions: tuple[str, ...]) -> None:
    """Goes through all steps and ends the program: exit code 0, or 1 after the first failure."""
    report = Report()
    drop = Drop(options)

    def give_up() -> None:
        report.fail(Failed(f"the whole run took more than {OVERALL_SECONDS} s"))
        drop.remove()
        os._exit(1)

    watchdog = threading.Timer(OVERALL_SECONDS, give_up)
    watchdog.daemon = True
    watchdog.start()
    try:
        asyncio.run(_steps(options, report, drop, connect, expected_versions))
    except BaseException as error:
        report.fail(error)
    finally:
        drop.remove()
    watchdog.cancel()
    sys.exit(1 if report.failed else 0)


async def _steps(
    options: Options, report: Report, drop: Drop, connect: Connect, expected_versions: tuple[str, ...]
) -> None:
    async with AsyncExitStack() as stack:
        with report.step("connect"):
            # No time limit of its own: what is entered here must outlive any scope around it.
            connection = await stack.enter_async_context(connect(options))
            version = connection.protocol_version
            report.remark(f"protocol {version} over {options.transport}, {options.mode}")
            check(version in expected_versions, f"negotiated {version}, expected {' or '.join(expected_versions)}")
        with report.step("list"):
            await _list(connection, report)
        with report.step("echo"):
            await _echo(connection, "hello from a real client")
        with report.step("progress"):
            await _progress(connection)
        with report.step("cancel"):
            await _cancel(connection, options.slow_tool, report)
        with report.step("echo after cancel"):
            await _echo(connection, "still here: Grüße, 世界")
        with report.step("subscribe"):
            check(connection.declares_list_changed(), "the server does not declare tools.listChanged")
            report.remark(f"changes arrive by {await connection.subscribe()}")
        with report.step("drop"):
            listed = await _tool_names(connection)
            check(options.expect_tool not in listed, f"{options.expect_tool} is already listed")
            seen = connection.tools_changed.rung
            drop.place()
        with report.step("list_changed after drop"):
            await _until_listed(connection, options.expect_tool, True, seen)
        with report.step("call dropped tool"):
            text = await _call(connection, options.expect_tool, {"name": "Ada"})
            check(text, f"{options.expect_tool} answered without text")
            report.remark(f"{options.expect_tool} says: {text[:120]}")
        with report.step("remove"):
            seen = connection.tools_changed.rung
            drop.remove()
        with report.step("list_changed after remove"):
            await _until_listed(connection, options.expect_tool, False, seen)
        with report.step("close"):
            start = time.monotonic()
            await stack.aclose()
            took = time.monotonic() - start
            if options.transport == "stdio":
                check(took < STDIO_GRACE_SECONDS, "the server did not end when its input was closed, it was killed")


async def _list(connection: Connection, report: Report) -> None:
    with anyio.fail_after(ANSWER_SECONDS):
        tools = await connection.list_tools()
    names = [tool.name for tool in tools]
    report.remark(f"{len(tools)} tools")
    check(len(set(names)) == len(names), f"a tool is listed twice: {', '.join(names)}")
    echo = next((tool for tool in tools if tool.name == "echo"), None)
    check(echo, f"echo is not among: {', '.join(names)}")
    check(echo.input_schema.get("type") == "object", f"echo's input schema is {echo.input_schema}")
    check("message" in echo.input_schema.get("properties", {}), "echo's input schema has no property `message`")


async def _echo(connection: Connection, message: str) -> None:
    text = await _call(connection, "echo", {"message": message})
    check(message in text, f'sent "{message}", got "{text}"')


async def _progress(connection: Connection) -> None:
    values: list[float] = []
    await _call(connection, "test_tool_with_progress", {}, values.append)
    # The second line of the package hands reports over in tasks of their own, which may run after the answer.
    with anyio.move_on_after(1):
        while len(values) < 3:
            await anyio.sleep(0.01)
    check(len(values) >= 3, f"{len(values)} progress reports arrived: {values}")
    check(all(a < b for a, b in itertools.pairwise(values)), f"progress does not increase: {values}")


async def _cancel(connection: Connection, slow_tool: str, report: Report) -> None:
    ended = anyio.Event()
    outcome: list[str] = []
    scope = anyio.CancelScope()

    async def call() -> None:
        try:
            with scope:
                answer = await connection.call_tool(slow_tool, {"ms": 60_000})
                outcome.append(f"it answered: {answer.text[:200]}")
        except Exception as error:
            outcome.append(_one_line(error))
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        with anyio.move_on_after(RUNNING_AFTER_SECONDS):
            await ended.wait()
        check(not ended.is_set(), f"{slow_tool} ended before it was cancelled: {' '.join(outcome)}")

        start = time.monotonic()
        request_id = next(m["id"] for m in reversed(connection.sent) if m.get("params", {}).get("name") == slow_tool)
        with anyio.fail_after(CANCELLED_WITHIN_SECONDS):
            await connection.announce_cancellation(request_id)
            scope.cancel()
            await ended.wait()
        check(scope.cancelled_caught, f"the cancelled call ended in another way: {' '.join(outcome)}")
        report.remark(f"ended after {(time.monotonic() - start) * 1000:.0f} ms")

    told = [
        m
        for m in connection.sent
        if m.get("method") == "notifications/cancelled" and m["params"]["requestId"] == request_id
    ]
    check(len(told) == 1, f"{len(told)} cancellations of the call were handed to the transport")


async def _until_listed(connection: Connection, tool: str, wished: bool, seen: int) -> None:
    """Waits for a list_changed notification after the first `seen` that leads to a list as wished.

    It never looks without having been told: that would hide a missing notification.
    """
    first = seen
    with anyio.move_on_after(CHANGED_WITHIN_SECONDS):
        while True:
            await connection.tools_changed.wait_after(seen)
            seen = connection.tools_changed.rung
            if (tool in await _tool_names(connection)) == wished:
                return
    state = f"{tool} is {'not' if wished else 'still'} listed"
    if seen == first:
        raise Failed(f"no tools/list_changed within {CHANGED_WITHIN_SECONDS} s")
    raise Failed(f"{seen - first} tools/list_changed within {CHANGED_WITHIN_SECONDS} s, and {state}")


async def _tool_names(connection: Connection) -> list[str]:
    with anyio.fail_after(ANSWER_SECONDS):
        return [tool.name for tool in await connection.list_tools()]


async def _call(
    connection: Connection, name: str, arguments: dict[str, Any], on_progress: OnProgress | None = None
) -> str:
    with anyio.fail_after(ANSWER_SECONDS):
        answer = await connection.call_tool(name, arguments, on_progress)
    check(not answer.is_error, f"{name} reports an error: {answer.text}")
    return answer.text
