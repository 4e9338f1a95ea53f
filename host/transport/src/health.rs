//! What orchestrators ask.
//!
//! No `Host` check stands before these: probes address a machine, not a name. They say nothing
//! that is not for everybody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use cofferdam_gate::Gate;
use serde::Serialize;

/// The state that health is read from.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    gate: Arc<Gate>,
    draining: Arc<AtomicBool>,
    started: Instant,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Report {
    status: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    plugins: usize,
    tools: usize,
    refused: usize,
    calls_running: u64,
}

impl Health {
    pub(crate) fn new(gate: Arc<Gate>, version: &'static str) -> Self {
        Self { gate, draining: Arc::default(), started: Instant::now(), version }
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/health", get(report))
            .route("/health/live", get(async || "live\n"))
            .route("/health/ready", get(ready))
            .with_state(self)
    }

    fn status(&self) -> (StatusCode, &'static str) {
        if self.draining.load(Ordering::Acquire) {
            (StatusCode::SERVICE_UNAVAILABLE, "draining")
        } else if self.gate.reading().is_published() {
            (StatusCode::OK, "ready")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting")
        }
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    let (code, status) = health.status();
    (code, format!("{status}\n"))
}

async fn report(State(health): State<Health>) -> (StatusCode, Json<Report>) {
    let (code, status) = health.status();
    let catalog = health.gate.reading().now();
    let report = Report {
        status,
        version: health.version,
        uptime_seconds: health.started.elapsed().as_secs(),
        plugins: catalog.plugins.len(),
        tools: catalog.tools.len(),
        refused: catalog.refusals.len(),
        calls_running: health.gate.running(),
    };
    (code, Json(report))
}
