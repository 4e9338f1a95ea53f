//! What a call did through the host: the raw material of receipts.
//!
//! Every host call that reaches beyond the guest's memory is written down where it is decided:
//! which capability, what was done to what, whether it was allowed, how much went which way and how
//! long it took. The same thing done again is the same effect, counted; so a loop of a million
//! reads is one line, and the list stays short without losing what happened.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cofferdam_policy::Capability;
use cofferdam_secrets::Masker;
use serde::Serialize;

/// Effects that are kept apart; more kinds of them are counted only.
const MOST: usize = 500;
/// Bytes of a target or a reason.
const LONGEST: usize = 500;

/// One thing a call did, or tried to, as often as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    pub capability: Capability,
    /// Such as `GET`, `open` or `set`.
    pub operation: &'static str,
    /// What it was done to: a URL, a path, a key. Secrets are masked.
    pub target: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How often.
    pub times: u64,
    /// Bytes that went out of the guest, in all.
    pub sent: u64,
    /// Bytes that came to the guest, in all.
    pub received: u64,
    /// How long it took, in all.
    #[serde(rename = "microseconds", serialize_with = "microseconds")]
    pub took: Duration,
}

fn microseconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

/// How a host call was decided, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "lowercase")]
pub enum Verdict {
    Allowed,
    /// No grant covers it, or a bound of the grant was reached.
    Refused(String),
    /// It was allowed and went wrong.
    Failed(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// Everything a call did, in the order in which each thing was done first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    pub list: Vec<Effect>,
    /// Effects beyond those listed.
    pub unlisted: u64,
}

impl Effects {
    /// Host calls that were not allowed.
    pub fn refused(&self) -> u64 {
        self.list.iter().filter(|e| matches!(e.verdict, Verdict::Refused(_))).map(|e| e.times).sum()
    }

    /// Host calls of any outcome.
    pub fn times(&self) -> u64 {
        self.list.iter().map(|e| e.times).sum::<u64>() + self.unlisted
    }
}

/// Where effects are written down. Clones write to the same list, for some effects end on tasks of
/// their own.
#[derive(Clone, Debug)]
pub struct Recorder {
    // Held to add one line, never across an await.
    kept: Arc<Mutex<Kept>>,
    masker: Arc<Masker>,
}

#[derive(Debug, Default)]
struct Kept {
    effects: Effects,
    /// Where in the list each kind of effect stands: a guest that does 500 things by turns would have
    /// the host go through the list at each.
    places: HashMap<Kind, usize>,
    /// Those that were begun and not concluded, in the order in which they were begun.
    open: BTreeMap<u64, Arc<Open>>,
    begun: u64,
}

/// What makes two effects the same one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    capability: Capability,
    operation: &'static str,
    target: String,
    verdict: Verdict,
}

#[derive(Debug)]
struct Open {
    capability: Capability,
    operation: &'static str,
    target: String,
    began: Instant,
    sent: AtomicU64,
    received: AtomicU64,
    /// What it comes to when nobody says more of it.
    settled: AtomicBool,
}

impl Recorder {
    pub(crate) fn new(masker: Arc<Masker>) -> Self {
        Self { kept: Arc::default(), masker }
    }

    /// Ends the record: what is still under way was cut short, and what comes later is not written
    /// down any more.
    pub fn finish(&self) -> Effects {
        let open = std::mem::take(&mut self.kept().open);
        for (_, open) in open {
            self.keep(&open, open.left());
        }
        let mut kept = self.kept();
        kept.places.clear();
        std::mem::take(&mut kept.effects)
    }

    /// Begins an effect. One that is dropped before it is concluded was cut short.
    pub(crate) fn begin(&self, capability: Capability, operation: &'static str, target: impl AsRef<str>) -> Pending {
        let open = Arc::new(Open {
            capability,
            operation,
            target: self.shown(target.as_ref()),
            began: Instant::now(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            settled: AtomicBool::new(false),
        });
        let mut kept = self.kept();
        kept.begun += 1;
        let id = kept.begun;
        kept.open.insert(id, open.clone());
        Pending { recorder: self.clone(), id, open }
    }

    /// Writes down what was refused before it began.
    pub(crate) fn refuse(&self, capability: Capability, operation: &'static str, target: impl AsRef<str>, why: &str) {
        self.begin(capability, operation, target).refused(why);
    }

    /// Writes down what was counted elsewhere.
    pub(crate) fn counted(&self, capability: Capability, operation: &'static str, times: u64, received: u64) {
        if times > 0 {
            let (target, verdict, took) = (String::new(), Verdict::Allowed, Duration::ZERO);
            self.kept().add(Effect { capability, operation, target, verdict, times, sent: 0, received, took });
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, open: &Open, verdict: Verdict) {
        let effect = Effect {
            capability: open.capability,
            operation: open.operation,
            target: open.target.clone(),
            verdict,
            times: 1,
            sent: open.sent.load(Ordering::Relaxed),
            received: open.received.load(Ordering::Relaxed),
            took: open.began.elapsed(),
        };
        self.kept().add(effect);
    }

    /// Bounded, masked, and without what drives a terminal.
    fn shown(&self, text: &str) -> String {
        let masked = self.masker.text(text);
        let cut = &masked[..masked.floor_char_boundary(LONGEST)];
        let mut plain = String::with_capacity(cut.len());
        for c in cut.chars() {
            if c.is_control() {
                plain.extend(c.escape_default());
            } else {
                plain.push(c);
            }
        }
        plain
    }
}

impl Kept {
    fn add(&mut self, effect: Effect) {
        let Effect { capability, operation, target, verdict, .. } = &effect;
        let (target, verdict) = (target.clone(), verdict.clone());
        let kind = Kind { capability: *capability, operation, target, verdict };
        if let Some(known) = self.places.get(&kind).and_then(|at| self.effects.list.get_mut(*at)) {
            known.times += effect.times;
            known.sent = known.sent.saturating_add(effect.sent);
            known.received = known.received.saturating_add(effect.received);
            known.took = known.took.saturating_add(effect.took);
        } else if self.effects.list.len() < MOST {
            self.places.insert(kind, self.effects.list.len());
            self.effects.list.push(effect);
        } else {
            self.effects.unlisted += effect.times;
        }
    }
}

impl Open {
    /// What it comes to when nobody concludes it.
    fn left(&self) -> Verdict {
        if self.settled.load(Ordering::Relaxed) {
            Verdict::Allowed
        } else {
            Verdict::Failed("it was cut short by the end of the call".into())
        }
    }
}

/// An effect under way.
#[derive(Debug)]
pub(crate) struct Pending {
    recorder: Recorder,
    id: u64,
    open: Arc<Open>,
}

impl Pending {
    pub(crate) fn sent(&self, bytes: u64) {
        self.open.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.open.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// From here on it went well, unless somebody says otherwise: what is left is for the guest to
    /// take or to leave.
    pub(crate) fn settled(&self) {
        self.open.settled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn allowed(self) {
        self.conclude(Verdict::Allowed);
    }

    pub(crate) fn refused(self, why: impl AsRef<str>) {
        let why = self.recorder.shown(why.as_ref());
        self.conclude(Verdict::Refused(why));
    }

    pub(crate) fn failed(self, why: impl AsRef<str>) {
        let why = self.recorder.shown(why.as_ref());
        self.conclude(Verdict::Failed(why));
    }

    fn conclude(&self, verdict: Verdict) {
        // What is not open any more was concluded, or the record is closed.
        let open = self.recorder.kept().open.remove(&self.id);
        if let Some(open) = open {
            self.recorder.keep(&open, verdict);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.conclude(self.open.left());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_counted() {
        let recorder = Recorder::new(Masker::nothing());
        for _ in 0..3 {
            let effect = recorder.begin(Capability::KeyValue, "get", "default/a");
            effect.received(5);
            effect.allowed();
        }
        recorder.refuse(Capability::Http, "GET", "https://a\u{1b}[31m/", "no rule");
        let effects = recorder.finish();
        assert_eq!((effects.list.len(), effects.times(), effects.refused()), (2, 4, 1));
        assert_eq!((effects.list[0].times, effects.list[0].received), (3, 15));
        assert_eq!(effects.list[1].target, "https://a\\u{1b}[31m/");
    }

    #[test]
    fn what_was_begun_and_never_ended_is_there() {
        let recorder = Recorder::new(Masker::nothing());
        drop(recorder.begin(Capability::Sql, "query", "main"));
        let late = recorder.begin(Capability::Http, "GET", "a");
        let answered = recorder.begin(Capability::Http, "GET", "b");
        answered.settled();
        let effects = recorder.finish();
        assert!(matches!(effects.list[0].verdict, Verdict::Failed(_)));
        assert!(matches!(effects.list[1].verdict, Verdict::Failed(_)));
        assert_eq!(effects.list[2].verdict, Verdict::Allowed);
        late.allowed();
        assert_eq!(recorder.finish(), Effects::default());
    }

    #[test]
    fn a_flood_is_counted_only() {
        let recorder = Recorder::new(Masker::nothing());
        for n in 0..2 * MOST {
            recorder.begin(Capability::KeyValue, "get", n.to_string()).allowed();
        }
        let effects = recorder.finish();
        assert_eq!((effects.list.len(), effects.times()), (MOST, 2 * MOST as u64));
    }
}
