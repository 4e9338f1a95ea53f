//! Compiling, in a child process that can be stopped.
//!
//! What a compiler does with hostile input is bounded by nothing but its input's size: a component
//! of two megabytes can hold it for minutes or take gigabytes. The engine's authors say so and do
//! not count it as a fault. So the compiler runs in a process of its own, the same executable
//! started with a hidden command: its memory and processor time are limited by the kernel, its
//! wall-clock time by us, and when it dies, it dies alone.

use std::{
    io::{self, Read, Write},
    num::NonZero,
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use cofferdam_policy::{AdmissionLimits, Bytes, Span};
use rustix::process::{Resource, Rlimit, getpid, setrlimit};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
};

use crate::{Engine, EngineSettings, aot::MachineCode, engine};

/// The hidden command of the executable that becomes a compiler.
pub const WORKER_COMMAND: &str = "compile-worker";

/// The most an error of the compiler may say.
const LONGEST_COMPLAINT: u64 = 4096;
/// Machine code is at most this many times as large as its component; a honest one is five.
const LARGEST_GROWTH: u64 = 64;

/// What the worker is told on its command line.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    engine: EngineSettings,
    memory: u64,
    seconds: u64,
    /// The process this is done for.
    host: i32,
}

/// Starts compilers.
#[derive(Clone, Debug)]
pub struct Compiler {
    executable: PathBuf,
    /// One compiler for each processor: more would take time from each other that each is given
    /// for itself.
    places: Arc<Semaphore>,
    processors: u64,
}

/// Why there is no machine code.
#[derive(Debug, Error)]
pub enum CompileError {
    #[error("compiling took longer than `admission.compile_time` ({limit})")]
    TooLong { limit: Span },
    #[error("compiling needed more than `admission.compile_memory` ({limit}), or the compiler was killed: {status}")]
    TooMuch { limit: Bytes, status: String },
    #[error("the compiler refused it: {0}")]
    Refused(String),
    #[error("cannot run the compiler process: {0}")]
    Process(#[from] io::Error),
}

impl Compiler {
    /// A compiler that is `executable` started with [`WORKER_COMMAND`].
    pub fn new(executable: PathBuf) -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self { executable, places: Arc::new(Semaphore::new(processors)), processors: processors as u64 }
    }

    pub(crate) async fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
        limits: &AdmissionLimits,
    ) -> Result<MachineCode, CompileError> {
        let _place = self.places.acquire().await.map_err(io::Error::other)?;
        let wall = limits.compile_time.get();
        let order = Order {
            engine: engine.settings(),
            memory: limits.compile_memory.get(),
            // Of processor time, on every core: the wall clock is the limit that is meant.
            seconds: wall.as_secs().saturating_mul(self.processors).saturating_add(1),
            host: getpid().as_raw_nonzero().get(),
        };
        let order = serde_json::to_string(&order).map_err(io::Error::from)?;
        let mut child = Command::new(&self.executable)
            .arg(WORKER_COMMAND)
            .arg(order)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("no pipes to the compiler").into());
        };
        let most = (component.len() as u64).saturating_mul(LARGEST_GROWTH).saturating_add(1 << 20);
        let began = Instant::now();
        let talk = async {
            let feed = async {
                // A compiler that stops reading has more to say on its standard error.
                let _broken = stdin.write_all(component).await;
                drop(stdin);
            };
            let (mut code, mut complaint) = (Vec::new(), Vec::new());
            let mut output = (&mut stdout).take(most);
            let mut errors = stderr.take(LONGEST_COMPLAINT);
            let (_, read, _) = tokio::join!(feed, output.read_to_end(&mut code), errors.read_to_end(&mut complaint));
            read?;
            let status = child.wait().await?;
            io::Result::Ok((code, complaint, status))
        };
        let Ok(done) = tokio::time::timeout(wall, talk).await else {
            return Err(CompileError::TooLong { limit: limits.compile_time });
        };
        let (code, complaint, status) = done?;
        tracing::debug!(milliseconds = began.elapsed().as_millis() as u64, bytes = code.len(), "compiler ended");
        if status.success() && !code.is_empty() {
            return Ok(MachineCode::vouched_for(code));
        }
        match status.code() {
            Some(REFUSED) if !says_out_of_memory(&complaint) => Err(CompileError::Refused(first_line(&complaint))),
            // The compiler has no way to go on without memory: it aborts, or is killed.
            _ => Err(CompileError::TooMuch { limit: limits.compile_memory, status: status.to_string() }),
        }
    }
}

/// Some allocations fail with words instead of a signal.
fn says_out_of_memory(complaint: &[u8]) -> bool {
    let text = String::from_utf8_lossy(complaint).to_lowercase();
    text.contains("out of memory") || text.contains("cannot allocate memory")
}

/// Exit code of a worker whose component is at fault.
const REFUSED: i32 = 3;

/// What the executable does when started with [`WORKER_COMMAND`] and its order: reads a component
/// from standard input, writes machine code to standard output. Returns the exit code.
pub fn worker(order: &str) -> i32 {
    match work(order) {
        Ok(()) => 0,
        Err(error) => {
            let _nobody_listens = writeln!(io::stderr(), "{error:#}");
            REFUSED
        }
    }
}

fn work(order: &str) -> wasmtime::Result<()> {
    let order: Order = serde_json::from_str(order)?;
    die_with(order.host)?;
    // The engine reserves the address space of its pool, which is not memory: its limit comes on
    // top of what is mapped by then.
    let engine = engine::compiler(order.engine)?;
    let mapped = mapped_bytes().unwrap_or(0);
    limit(Resource::As, order.memory.saturating_add(mapped))?;
    limit(Resource::Cpu, order.seconds)?;
    limit(Resource::Core, 0)?;
    // Nothing is written to files.
    limit(Resource::Fsize, 0)?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component)?;
    let code = engine.precompile_component(&component)?;
    io::stdout().lock().write_all(&code)?;
    Ok(())
}

/// A host that is killed cannot stop its compilers; the kernel does.
#[cfg(target_os = "linux")]
fn die_with(host: i32) -> wasmtime::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have died before it could be told.
    let alive = rustix::process::getppid().is_some_and(|parent| parent.as_raw_nonzero().get() == host);
    if alive { Ok(()) } else { Err(wasmtime::format_err!("the host is gone")) }
}

/// Elsewhere the limit on processor time has to do.
#[cfg(not(target_os = "linux"))]
fn die_with(_host: i32) -> wasmtime::Result<()> {
    Ok(())
}

fn limit(resource: Resource, most: u64) -> wasmtime::Result<()> {
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    Ok(())
}

/// The address space this process has mapped, from `/proc` where there is one.
fn mapped_bytes() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').next()?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn first_line(complaint: &[u8]) -> String {
    // It quotes hostile bytes: names inside the component.
    let text = String::from_utf8_lossy(complaint);
    let line: String = text.lines().next().unwrap_or("no reason given").chars().take(300).collect();
    line.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

/// How long a compile took, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFrom {
    Cache,
    Compiler { took: Duration },
}
